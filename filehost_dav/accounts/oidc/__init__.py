"""Signing in at a provider: OpenID Connect, authorization code with PKCE. Nothing else knows joserfc."""
