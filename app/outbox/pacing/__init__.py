"""How fast letters leave for one mailbox, one mail host, one relay."""
