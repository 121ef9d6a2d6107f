"""Stand-ins for programs of others: they speak the protocol, check it, and can misbehave."""
