"""The speed of the main path beside its peers, measured in one run: `make bench`. See README.md."""
