"""The signals that ask a program to end, beside Ctrl-C."""

import signal


def stop_signals() -> list[signal.Signals]:
    """SIGTERM, and SIGHUP (the terminal was closed) where there is such a signal; less those that are ignored, as
    ``nohup`` has it.
    """
    known = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    return [number for number in known if signal.getsignal(number) != signal.SIG_IGN]
