"""A command line of Python's, many times over: command_line.py NAME MODULE [MODULE...]

Each command has a process of its own, with arguments, a terminal for standard input and an end as it has them in a shell. What all of them begin with,
importing MODULE and what else is named and looking for the plug-ins, is done once.
"""

import contextlib
import importlib
import os
import sys
import tempfile
import traceback

from driving import serve

NAME, MODULE, *OTHERS = sys.argv[1:]
main = importlib.import_module(MODULE).main
for other in OTHERS:
    importlib.import_module(other)
sys.argv = [NAME, "--version"]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(sys.stderr):
    main()


def become(words, variables, terminal, printed, said):
    """Turns this process into the command, and ends it."""
    status = 1
    try:
        for place, descriptor in enumerate((terminal, printed.fileno(), said.fileno())):
            os.dup2(descriptor, place)
        sys.stdin, sys.stdout, sys.stderr = open(0, closefd=False), open(1, "w", closefd=False), open(2, "w", closefd=False)
        sys.argv = [NAME, *words]
        os.environ.update(variables)
        status = main() or 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1 if end.code else 0
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def run(words, variables):
    # Anything but a terminal would be taken for the image's data.
    person, terminal = os.openpty()
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            become(words, variables, terminal, printed, said)
        _, ended = os.waitpid(child, 0)
        os.close(terminal)
        os.close(person)
        texts = []
        for told in (printed, said):
            told.seek(0)
            texts.append(told.read().decode())
    return {"status": os.waitstatus_to_exitcode(ended), "printed": texts[0], "said": texts[1]}


serve(run=run)
