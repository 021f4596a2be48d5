"""What is measured of this project; each module runs in a process of its own."""
