"""Runs a command on a pseudo-terminal: terminal.py ROWS COLUMNS STEPS COMMAND...

STEPS is JSON: [{"wait": REGEX, "orEnd": BOOLEAN} | {"send": TEXT} | {"resize": [ROWS, COLUMNS]}, ...]; a wait looks at what came after
the last step; with orEnd the command may end before, and the steps that follow are left out. Prints JSON: {"output": TEXT, "marks": [length of the output at each step], "status": EXIT CODE or -SIGNAL}.
"""
import fcntl, json, os, pty, re, select, signal, struct, sys, termios, time

LIMIT = 60


def set_size(descriptor, rows, columns):
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


rows, columns, steps, command = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4:]
child, terminal = pty.fork()
if child == 0:
    set_size(0, rows, columns)
    os.execvp(command[0], command)
deadline = time.monotonic() + LIMIT
output = b''
marks = []
ended = False


def read_more():
    """False when the command has closed the terminal."""
    global output
    left = deadline - time.monotonic()
    if left <= 0 or not select.select([terminal], [], [], left)[0]:
        os.kill(child, signal.SIGKILL)
        sys.exit('no end after %d s; so far: %r' % (LIMIT, output))
    try:
        data = os.read(terminal, 65536)
    except OSError:
        return False
    output += data
    return len(data) > 0


for step in steps:
    start = len(output)
    if 'wait' in step:
        while not re.search(step['wait'].encode(), output[marks[-1] if marks else 0:], re.S):
            if read_more():
                continue
            if step.get('orEnd'):
                ended = True
                break
            sys.exit('ended without %r: %r' % (step['wait'], output))
        if ended:
            break
    elif 'send' in step:
        os.write(terminal, step['send'].encode())
    else:
        set_size(terminal, *step['resize'])
        os.kill(child, signal.SIGWINCH)
    marks.append(len(output))
while not ended and read_more():
    pass
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
print(json.dumps({'output': output.decode('utf-8', 'replace'), 'marks': marks, 'status': code}))
