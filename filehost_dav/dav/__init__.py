"""WebDAV on WsgiDAV: the only code shaped by it.

A request goes `application` → `printer` (errors become answers, by the table in `statuses`) → `resolver`
→ `engine`, which makes a `request.Request` and calls the function of its method; that gives an
`answer.Answer`. What must hold before a change is in `preconditions` and `guards`, what becomes of locks
and properties after it in `records`. `provider` is WsgiDAV's own view of the same tree.
"""
