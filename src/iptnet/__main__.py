"""``python -m iptnet``."""

from iptnet.cli import main

if __name__ == "__main__":
    main()
