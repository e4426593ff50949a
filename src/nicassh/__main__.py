"""The program: `nicamon`, or `python -m nicassh`."""

from nicassh.cli import main

if __name__ == "__main__":
    main()
