"""Signing in with a code besides the password: turned on, asked for, used once, turned off."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.page import PASSWORD, SCRIPT, Answer, Host, Visitor, between, served
from passlib.totp import TOTP

ACCOUNT = "/.filehost/account"
SIGN_IN = "/.filehost/signin"


def code_of(secret: str, host: Host, later: int = 0) -> str:
    return str(TOTP(secret, format="base32").generate(int(host.clock.now) + later).token)


def change(visitor: Visitor, **fields: str) -> Answer:
    return visitor.post(ACCOUNT, {"token": visitor.token(ACCOUNT), **fields})


def begin(visitor: Visitor) -> str:
    """Set codes up; the key that the page shows."""
    assert change(visitor, codes="begin", password=PASSWORD).status == 303
    return between(visitor.get(ACCOUNT).text, '<code class="secret">', "<").replace(" ", "")


def turn_on(visitor: Visitor, host: Host) -> tuple[str, list[str]]:
    """The key and the recovery codes."""
    secret = begin(visitor)
    page = change(visitor, codes="confirm", code=code_of(secret, host))
    assert page.status == 200, page.text
    codes = [between(item, '"secret">', "<") for item in page.text.split("<li>")[1:]]
    host.clock.now += 30
    return secret, codes


def bring(visitor: Visitor, form: Answer, code: str) -> Answer:
    """The form for the code, filled in."""
    ticket = between(form.text, 'name="ticket" value="', '"')
    target = between(form.text, 'name="next" value="', '"')
    return visitor.post(SIGN_IN, {"ticket": ticket, "code": code, "next": target})


@pytest.fixture
def stranger(visitor: Visitor) -> Visitor:
    """Another browser of alice's."""
    return Visitor(visitor.port)


def test_with_codes_on_the_password_alone_opens_nothing(alice: Visitor, stranger: Visitor, host: Host) -> None:
    secret, _ = turn_on(alice, host)
    form = stranger.sign_in(target="/deep/?plain")
    assert form.status == 200
    assert not stranger.cookies
    answer = bring(stranger, form, code_of(secret, host))
    assert (answer.status, answer.headers["Location"]) == (303, "/deep/?plain")
    assert stranger.get("/").status == 200


def test_turning_codes_on_signs_every_other_browser_out(alice: Visitor, stranger: Visitor, host: Host) -> None:
    stranger.sign_in()
    turn_on(alice, host)
    assert (alice.get("/").status, stranger.get("/").status) == (200, 303)


def test_codes_are_turned_on_by_the_password_and_a_right_code_only(alice: Visitor, host: Host) -> None:
    assert change(alice, codes="begin", password="wrong").status == 403
    assert host.codes.begun("alice") is None
    secret = begin(alice)
    wrong = "000000" if code_of(secret, host) != "000000" else "111111"
    answer = change(alice, codes="confirm", code=wrong)
    assert answer.status == 403
    assert "The code is wrong" in answer.text
    assert Visitor(alice.port).sign_in().status == 303


def test_the_key_is_a_picture_of_what_apps_read_and_is_not_shown_again(alice: Visitor, host: Host) -> None:
    secret = begin(alice)
    page = alice.get(ACCOUNT).text
    assert "<svg" in page
    assert " style=" not in page
    uri = f"otpauth://totp/My%20files:alice?secret={secret}&issuer=My%20files"
    assert host.codes.uri(secret, "alice", "My: files") == uri
    change(alice, codes="confirm", code=code_of(secret, host))
    later = alice.get(ACCOUNT).text
    assert "<svg" not in later
    assert secret[:4] not in later


def test_a_code_is_right_for_half_a_minute_each_way(alice: Visitor, stranger: Visitor, host: Host) -> None:
    secret, _ = turn_on(alice, host)
    host.clock.now += 300
    for later, status in ((-60, 403), (60, 403), (-30, 303), (30, 303)):
        assert bring(stranger, stranger.sign_in(), code_of(secret, host, later)).status == status, later


def test_a_code_opens_once_in_all_workers_together(alice: Visitor, host: Host) -> None:
    secret, _ = turn_on(alice, host)
    other = Host(host.data, host.clock)
    code = code_of(secret, host)
    with served(other) as port:
        browsers = [Visitor(alice.port), Visitor(port)] * 4
        forms = [browser.sign_in() for browser in browsers]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda pair: bring(*pair, code).status, zip(browsers, forms, strict=True)))
            assert sorted(answers)[:2] in ([303, 403], [303, 429])
    other.close()


def test_the_code_that_turned_codes_on_is_used(alice: Visitor, stranger: Visitor, host: Host) -> None:
    secret, _ = turn_on(alice, host)
    assert bring(stranger, stranger.sign_in(), code_of(secret, host, -30)).status == 403


def test_an_older_code_than_the_last_one_does_not_open(alice: Visitor, stranger: Visitor, host: Host) -> None:
    secret, _ = turn_on(alice, host)
    host.clock.now += 300
    assert bring(stranger, stranger.sign_in(), code_of(secret, host)).status == 303
    assert bring(stranger, stranger.sign_in(), code_of(secret, host, -30)).status == 403


def test_a_recovery_code_opens_once_and_is_kept_as_a_digest(
    alice: Visitor, stranger: Visitor, host: Host
) -> None:
    _, recovery = turn_on(alice, host)
    assert len(set(recovery)) == 10
    content = "".join(sqlite3.connect(host.data / "state.sqlite3").iterdump())
    assert not any(code in content for code in recovery)
    typed = f"  {recovery[0].upper()} "
    assert bring(stranger, stranger.sign_in(), typed).status == 303
    assert bring(stranger, stranger.sign_in(), typed).status == 403
    assert "9 recovery codes are left." in alice.get(ACCOUNT).text


def test_recovery_codes_of_another_user_do_not_open(alice: Visitor, stranger: Visitor, host: Host) -> None:
    _, recovery = turn_on(alice, host)
    bob = Visitor(alice.port)
    bob.sign_in("bob")
    turn_on(bob, host)
    assert bring(stranger, stranger.sign_in("bob"), recovery[0]).status == 403


def test_nobody_without_the_password_learns_who_has_codes(
    alice: Visitor, stranger: Visitor, host: Host
) -> None:
    turn_on(alice, host)
    pages = {stranger.sign_in(name, "wrong").text.replace(name, "NAME") for name in ("alice", "bob", "nobody")}
    assert len(pages) == 1


@pytest.mark.parametrize("ticket", ["", "x", "1.2.3", "9999999999.YWxpY2U.00", "\ud800.é.ü"], ids=range(5))
def test_a_made_up_ticket_begins_anew(alice: Visitor, stranger: Visitor, host: Host, ticket: str) -> None:
    secret, _ = turn_on(alice, host)
    fields = {"ticket": ticket.encode("utf-8", "surrogatepass"), "code": code_of(secret, host)}
    answer = stranger.post(SIGN_IN, fields)
    assert answer.status in (400, 403)
    assert not stranger.cookies


def test_a_ticket_holds_for_minutes_and_no_longer_than_the_password(
    alice: Visitor, stranger: Visitor, host: Host
) -> None:
    secret, _ = turn_on(alice, host)
    form = stranger.sign_in()
    host.clock.now += 300
    late = bring(stranger, form, code_of(secret, host))
    assert (late.status, "That took too long" in late.text) == (403, True)
    form = stranger.sign_in()
    host.set_password("alice", "another horse")
    assert bring(stranger, form, code_of(secret, host)).status == 403
    assert not stranger.cookies


def test_wrong_codes_wait_longer_and_the_password_forgives_none(
    alice: Visitor, stranger: Visitor, host: Host
) -> None:
    secret, _ = turn_on(alice, host)
    assert {bring(stranger, stranger.sign_in(), "not a code").status for _ in range(5)} == {403}
    throttled = bring(stranger, _form(stranger, host), code_of(secret, host))
    assert throttled.status == 429
    assert int(throttled.headers["Retry-After"]) >= 1
    host.clock.now += 2
    assert bring(stranger, _form(stranger, host), code_of(secret, host)).status == 303


def _form(stranger: Visitor, host: Host) -> Answer:
    """The form for the code, when even the password must wait."""
    user = host.users.get("alice")
    ticket = host.second_step.ticket(user)
    return Answer(200, stranger.get(SIGN_IN).headers, f'name="ticket" value="{ticket}"'.encode())


def test_drives_need_app_passwords_and_are_told_so(alice: Visitor, host: Host) -> None:
    turn_on(alice, host)
    drive = Visitor(alice.port)
    own = {"Authorization": "Basic " + b64encode(f"alice:{PASSWORD}".encode()).decode()}
    for method, path in (("PROPFIND", "/"), ("GET", ACCOUNT), ("PUT", "/a.txt")):
        refused = drive(method, path, b"", own)
        assert refused.status == 401
        assert "make an app password" in refused.text
    secret = host.app_passwords.add("alice", "phone")
    phone = {"Authorization": "Basic " + b64encode(f"alice:{secret}".encode()).decode()}
    assert drive("PROPFIND", "/", headers=phone).text == "WebDAV for alice"
    assert alice("PROPFIND", "/", headers=SCRIPT).text == "WebDAV for alice"


@pytest.mark.parametrize("proof", ["password", "code", "recovery code"])
def test_codes_are_turned_off_by_the_password_or_a_code(
    alice: Visitor, stranger: Visitor, host: Host, proof: str
) -> None:
    secret, recovery = turn_on(alice, host)
    refused = change(alice, codes="end", proof="neither")
    assert (refused.status, "The password or the code is wrong." in refused.text) == (403, True)
    given = {"password": PASSWORD, "code": code_of(secret, host), "recovery code": recovery[3]}
    assert change(alice, codes="end", proof=given[proof]).status == 303
    assert stranger.sign_in().status == 303
    content = "".join(sqlite3.connect(host.data / "state.sqlite3").iterdump())
    assert secret not in content


def test_codes_that_are_on_are_not_begun_anew(alice: Visitor, stranger: Visitor, host: Host) -> None:
    secret, _ = turn_on(alice, host)
    assert change(alice, codes="begin", password=PASSWORD).status == 303
    assert change(alice, codes="confirm", code=code_of(secret, host)).status == 403
    assert bring(stranger, stranger.sign_in(), code_of(secret, host)).status == 303


def test_a_removed_user_s_codes_go(alice: Visitor, stranger: Visitor, host: Host) -> None:
    turn_on(alice, host)
    host.users.remove("alice")
    host.add_user("alice")
    assert stranger.sign_in().status == 303


def test_no_form_of_another_site_touches_codes(alice: Visitor, host: Host) -> None:
    assert alice.post(ACCOUNT, {"codes": "begin", "password": PASSWORD}).status == 403
    assert host.codes.begun("alice") is None
