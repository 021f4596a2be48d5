"""What is measured beside us; each module runs in a process of its own, in the peers' environment."""
