"""What the end-to-end tests stand on: a real server, two signers, a client that shows what was on the wire."""
