"""Launcher for a checkout: ``python cli.py lower deepseek-v3``; installed, the command is ``placer``."""

from placer.cli.app import main

if __name__ == "__main__":
    raise SystemExit(main())
