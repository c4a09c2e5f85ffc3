"""``python -m placer``."""

from placer.cli.app import main

if __name__ == "__main__":
    raise SystemExit(main())
