"""``python -m claritygan_cli`` is ``claritygan``."""

from claritygan_cli.cli import main

main()
