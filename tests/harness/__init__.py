"""What tests share: a real server in processes of its own, and a plain DAV client."""
