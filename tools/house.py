#!/usr/bin/env python3
"""The house checker: the rules of docs/style.md that a machine can check.

house.py [sources]      reads src/ and tests/, compiles each header alone
house.py objects DIR    reads the object files of a build directory: mutable globals
house.py rules          lists the rules

Each finding names file and line, the rule of docs/style.md and what to do instead. What is
excused stands in tools/house.skips and nowhere else; a skip that excuses nothing is a finding.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SKIPS = os.path.join("tools", "house.skips")

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
PARAMETERS_MAX = 6
LEVELS_MAX = 4

# name: (rule of docs/style.md, what to do instead)
RULES = {
    "header-line": (2, "open the header with `/* x.h - what it is, in one line. */`"),
    "module-pair": (2, "a module is x.h, x.c and x_test.c, named alike and side by side"),
    "header-alone": (2, "include in the header what it needs, and guard it against a second time"),
    "layer": (3, "includes only go down: cmd, then adapter sim api, then wallet doctor, then "
                 "ledger tlog payment webhook sandbox risk iso20022 port, then model, crypto, base"),
    "include-form": (3, 'write it as "layer/x.h"'),
    "file-name": (3, "name the file after the thing it holds; change callers, keep one version"),
    "file-place": (3, "sources stand in src/LAYER/, no deeper, and only in known layers"),
    "function-lines": (4, f"at most {FUNCTION_LINES_MAX} lines: parent decides, leaves compute"),
    "file-lines": (4, f"at most {FILE_LINES_MAX} lines: split by noun"),
    "parameters": (4, f"at most {PARAMETERS_MAX} parameters: pass a struct"),
    "levels": (4, f"at most {LEVELS_MAX} levels, the body being the first: return early, extract"),
    "must-check": (12, "a function that returns enum status is declared MUST_CHECK"),
    "outputs-last": (12, "outputs are called out_x and come last"),
    "no-logging": (15, "lower layers never log: return a status, the edge logs once"),
    "macro-flow": (16, "no macro hides return, goto or break: write it out"),
    "check-effect": (17, "CHECK takes one condition without side effects"),
    "malloc": (22, "allocate from the arena you were given; malloc lives in base, adapter, sim"),
    "json-by-hand": (25, "write JSON through base/json"),
    "sql-by-hand": (25, "SQL is a constant with parameters"),
    "banned-call": (25, "use base/buf and base/str, which know their bounds"),
    "ignored-length": (25, "use base/buf; or check what snprintf returned"),
    "float": (27, "money is an integer; else say `/* not money: reason */` on the line"),
    "secret-compare": (29, "compare secrets in constant time: crypto/secret.h"),
    "ambient": (30, "only adapter/ touches the world: go through port/"),
    "global": (33, "no mutable globals outside adapter/: pass the state"),
    "test-opening": (34, "open the test file with a comment that gives `Goal:` and `Method:`"),
    "test-waits": (34, "no sleeps, wall clock or fixed ports in tests: step a virtual clock"),
    "nolint": (36, "mend the code; where that is wrong, list the file in tools/house.skips"),
    "rotting-word": (38, "say what is, not what was or will be; open work goes to the tracker"),
    "skips": (36, "skips may shrink; the number in the header of tools/house.skips is the limit"),
}

DOMAINS = ["tlog", "payment", "webhook", "sandbox", "risk", "iso20022"]  # pure, side by side
LAYERS = {
    "base": [],
    "crypto": ["base"],
    "model": ["crypto", "base"],
}
for _layer in ("ledger", *DOMAINS, "port"):
    LAYERS[_layer] = ["model", "crypto", "base"]
for _layer in ("wallet", "doctor"):
    LAYERS[_layer] = ["ledger", *DOMAINS, "port", "model", "crypto", "base"]
for _layer in ("adapter", "sim", "api"):
    LAYERS[_layer] = ["wallet", "doctor"] + LAYERS["wallet"]
LAYERS["cmd"] = ["adapter", "sim", "api"] + LAYERS["api"]

TESTS_SEE_ALL = {"api", "sim", "adapter", "cmd"}
PURE = {"base", "crypto", "model", "ledger", *DOMAINS, "wallet", "doctor"}
NO_FLOAT = {"base", "crypto", "model", "ledger", *DOMAINS, "wallet", "doctor"}
MAY_ALLOCATE = {"base", "adapter", "sim"}
HEADERLESS = {"cmd", "api"}  # their files are listed in one table, declared by one header

BAD_STEMS = re.compile(
    r"^(common|commons|utils?|types?|helpers?|misc|defs?|includes?|all|main_types)$"
    r"|_(v\d+|new|ex|old|utils?|helpers?|impl2?)$|(^|_)(legacy|deprecated)(_|$)")

ALLOCATION = "malloc calloc realloc reallocarray free strdup strndup aligned_alloc " \
    "posix_memalign mmap munmap mremap asprintf vasprintf"
AMBIENT = {
    "clock": "clock_gettime clock_getres time gettimeofday clock ftime timespec_get localtime "
             "localtime_r mktime sleep usleep nanosleep clock_nanosleep alarm timer_create "
             "timerfd_create setitimer",
    "randomness": "getrandom getentropy rand srand rand_r random srandom drand48 arc4random "
                  "RAND_bytes RAND_priv_bytes uuid_generate",
    "files": "open openat creat fopen fdopen freopen tmpfile mkstemp mkdtemp read write pread "
             "pwrite readv writev close fread fwrite fgets fgetc getline fsync fdatasync ftruncate "
             "truncate unlink rename remove mkdir rmdir opendir readdir stat fstat lstat access "
             "flock lockf readlink chdir getcwd isatty",
    "sockets": "socket socketpair connect bind listen accept accept4 send sendto sendmsg recv "
               "recvfrom recvmsg getaddrinfo gethostbyname poll ppoll select epoll_create1 "
               "epoll_wait eventfd pipe pipe2",
    "environment": "getenv secure_getenv setenv unsetenv putenv",
    "processes": "fork vfork execv execve execvp execl posix_spawn system popen kill raise signal "
                 "sigaction waitpid getpid",
    "threads": "",
}
AMBIENT_IN_CMD = {"files", "environment", "processes"}
AMBIENT_OF = {name: kind for kind, names in AMBIENT.items() for name in names.split()}
THREAD_CALL = re.compile(r"^(pthread|thrd|mtx|cnd|sem|tss)_\w+$")
THREAD_HEADERS = {"pthread.h", "threads.h", "semaphore.h", "sys/socket.h"}

BANNED = {
    "strcpy": "base/buf", "strcat": "base/buf", "strncpy": "base/buf", "strncat": "base/buf",
    "stpcpy": "base/buf", "sprintf": "base/buf", "vsprintf": "base/buf", "gets": "fgets",
    "strtok": "base/str", "strtok_r": "base/str", "atoi": "a parser of base/str",
    "atol": "a parser of base/str", "atoll": "a parser of base/str",
    "atof": "integers", "sscanf": "a parser of base/str", "scanf": "a parser of base/str",
    "alloca": "an arena", "setjmp": "a status", "longjmp": "a status",
    "sqlite3_mprintf": "parameters", "sqlite3_snprintf": "parameters",
}
LOGGING = "printf vprintf fprintf vfprintf dprintf puts fputs putchar fputc perror syslog"
SECRET_NAME = re.compile(r"hmac|signature|secret|digest_equal|password|api_key", re.I)
ROTTING = re.compile(r"\b(TODO|FIXME|HACK|Phase)\b|(/\*|//)\s*XXX\b|\bXXX:|(?i:\b(enhanced|robust|now we|"
                     r"helper function to|for backwards? compat\w*)\b)")
SQL = re.compile(r"^\s*(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|REPLACE\s+INTO\s|UPDATE\s+\w+\s+SET|"
                 r"DELETE\s+FROM\s|CREATE\s+(TABLE|INDEX|UNIQUE|VIEW)|DROP\s|ALTER\s+TABLE)", re.I)
SQL_BUILDERS = re.compile(r"\b(v?snprintf|v?asprintf|buf_\w+|str_\w+|memcpy)\s*\([^;{}]*$")
OUTPUT_BOUND = re.compile(r"\b(\w*(size|limit|capacity|count|len)(_max)?|error)$|\.\.\.$")
CONTROL = {"if", "for", "while", "switch"}


class Source:
    """A C file, split into code (comments and literals blanked), literals and comments."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        parts = path.split("/")
        self.layer = parts[1] if parts[0] == "src" and len(parts) > 2 else ""
        self.stem, self.ext = os.path.splitext(parts[-1])
        self.is_test = self.stem.endswith("_test") or parts[0] == "tests"
        self.strings = []   # (offset, content)
        self.comments = []  # (offset, content)
        self.code = self._blank()
        self.directives = []  # (line, text)
        self.flat = self._without_directives()

    def _blank(self):
        out = []
        at = 0
        pattern = re.compile(r'/\*.*?(?:\*/|\Z)|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                             re.S)
        for match in pattern.finditer(self.text):
            out.append(self.text[at:match.start()])
            token = match.group()
            if token[0] == "/":
                self.comments.append((match.start(), token))
                out.append(re.sub(r"[^\n]", " ", token))
            else:
                if token[0] == '"':
                    self.strings.append((match.start(), token[1:-1]))
                out.append(token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[0])
            at = match.end()
        out.append(self.text[at:])
        return "".join(out)

    def _without_directives(self):
        lines = self.code.split("\n")
        index = 0
        while index < len(lines):
            if lines[index].lstrip().startswith("#"):
                first, text = index, ""
                while True:
                    line, lines[index] = lines[index], ""
                    text += line.rstrip("\\") + "\n"
                    if not line.endswith("\\") or index + 1 >= len(lines):
                        break
                    index += 1
                self.directives.append((first + 1, text))
            index += 1
        return self._pad(lines)

    def _pad(self, lines):
        """The same offsets as the text: a blanked line keeps its length."""
        original = self.code.split("\n")
        return "\n".join(line if line else " " * len(old) for line, old in zip(lines, original))

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def calls(self, names=None):
        """(offset, name) of what looks like a plain call: not a member, not a definition of one."""
        for match in re.finditer(r"\b([A-Za-z_]\w*)\s*\(", self.flat):
            name = match.group(1)
            if names is not None and name not in names:
                continue
            before = self.flat[max(0, match.start() - 40):match.start()].rstrip()
            if before.endswith(".") or before.endswith("->"):
                continue
            yield match.start(), name


class Function:
    """A function definition: where it is, its parameters and the depth of its blocks."""

    def __init__(self, name, first, last, parameters, levels, deepest):
        self.name = name
        self.first = first
        self.last = last
        self.parameters = parameters
        self.levels = levels
        self.deepest = deepest


def match_back(code, close):
    """The offset of the parenthesis that `close` closes."""
    depth = 0
    for at in range(close, -1, -1):
        if code[at] == ")":
            depth += 1
        elif code[at] == "(":
            depth -= 1
            if depth == 0:
                return at
    return 0


def match_on(code, opening):
    """The offset of the parenthesis that closes `opening`, or the end."""
    depth = 0
    for at in range(opening, len(code)):
        if code[at] == "(":
            depth += 1
        elif code[at] == ")":
            depth -= 1
            if depth == 0:
                return at
    return len(code)


def split_commas(text):
    parts, depth, part = [], 0, ""
    for char in text:
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        if char == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += char
    return parts + [part.strip()] if part.strip() else parts


def signature_of(head):
    """(name, parameters) when the text before a brace or semicolon is a function's head."""
    text = re.sub(r"__attribute__\s*\(\(.*?\)\)", lambda m: " " * len(m.group()), head, flags=re.S)
    match = re.search(r"\b([A-Za-z_]\w*)\s*\(", text)
    if match is None or "=" in text[:match.start()] or re.match(r"\s*typedef\b", text):
        return None
    if match.group(1) in CONTROL or not text[:match.start()].strip():
        return None
    close = match_on(text, match.end() - 1)
    if text[match.end():].lstrip().startswith("*") or re.search(r"[=(]", text[close + 1:]):
        return None
    parameters = split_commas(text[match.end():close])
    return match.group(1), [] if parameters == ["void"] else parameters


def is_block(code, brace):
    """Whether the brace opens a block of statements rather than an initialiser."""
    before = code[:brace].rstrip()
    if not before or before[-1] in ";{}:(":
        return before[-1:] != "{" or is_block(code, len(before) - 1)
    if before[-1] == ")":
        opening = match_back(before, len(before) - 1)
        word = re.search(r"([A-Za-z_]\w*)\s*$", before[:opening])
        return bool(word) and (word.group(1) in CONTROL or word.group(1).isupper())
    return bool(re.search(r"\b(else|do)$", before))


def functions_of(source):
    """Walks the braces once; what stands before a brace at the top tells functions from data."""
    code = source.flat
    found, stack = [], []
    head_start, function = 0, None
    for match in re.finditer(r"[{};]", code):
        at, char = match.start(), match.group()
        if char == "{":
            if not stack:
                signature = signature_of(code[head_start:at])
                if signature is not None:
                    head = head_start + len(code[head_start:at]) - len(code[head_start:at].lstrip())
                    function = (signature, head)
                stack.append(function is not None)
                deepest = (1, at)
            else:
                stack.append(is_block(code, at) if function else False)
                if sum(stack) > deepest[0]:
                    deepest = (sum(stack), at)
        elif char == "}" and stack:
            stack.pop()
            if not stack:
                if function is not None:
                    (name, parameters), head = function
                    found.append(Function(name, source.line_of(head), source.line_of(at),
                                          parameters, deepest[0], source.line_of(deepest[1])))
                function, head_start = None, at + 1
        elif not stack:
            head_start = at + 1
    return found


def prototypes_of(source):
    """(line, text, name, parameters) of the function declarations at the top level."""
    flat = re.sub(r"\{[^{}]*\}", lambda m: re.sub(r"[^\n]", " ", m.group()), source.flat)
    while re.search(r"\{[^{}]*\}", flat):
        flat = re.sub(r"\{[^{}]*\}", lambda m: re.sub(r"[^\n]", " ", m.group()), flat)
    at = 0
    for match in re.finditer(r";", flat):
        head = flat[at:match.start()]
        signature = signature_of(head)
        if signature is not None and not re.search(r"\binline\b", head):
            start = at + len(head) - len(head.lstrip())
            yield source.line_of(start), head, signature[0], signature[1]
        at = match.end()


class Checker:
    def __init__(self):
        self.findings = []
        self.sources = []
        self.names = set()

    def report(self, path, line, rule, text):
        self.findings.append((path, line, rule, text))

    def load(self, path):
        with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
            return file.read()

    # --- one file ---

    def check_shape(self, source):
        if len(source.lines) - 1 > FILE_LINES_MAX:
            self.report(source.path, FILE_LINES_MAX + 1, "file-lines",
                        f"{len(source.lines) - 1} lines")
        for function in functions_of(source):
            lines = function.last - function.first + 1
            if lines > FUNCTION_LINES_MAX:
                self.report(source.path, function.first, "function-lines",
                            f"{function.name}() has {lines} lines")
            if len(function.parameters) > PARAMETERS_MAX:
                self.report(source.path, function.first, "parameters",
                            f"{function.name}() has {len(function.parameters)} parameters")
            if function.levels > LEVELS_MAX:
                self.report(source.path, function.deepest, "levels",
                            f"{function.name}() is {function.levels} levels deep")

    def check_name(self, source):
        stem = source.stem.removesuffix("_test")
        if BAD_STEMS.search(stem):
            self.report(source.path, 1, "file-name", f"'{source.stem}' says nothing of what it is")
        if source.path.startswith("src/"):
            if source.path.count("/") != 2 or source.layer not in LAYERS:
                self.report(source.path, 1, "file-place", "no such layer")

    def check_header(self, source):
        name = re.escape(os.path.basename(source.path))
        first = source.lines[0]
        second = source.lines[1] if len(source.lines) > 1 else ""
        one_line = re.match(r"/\* " + name + r" - \S.*\. \*/$", first)
        block = first == "/*" and re.match(r" \* " + name + r" - \S", second)
        if not one_line and not block:
            self.report(source.path, 1, "header-line", "the first line does not say what it is")
        for line, head, function, parameters in prototypes_of(source):
            if re.match(r"\s*(extern\s+)?enum\s+status\s", head) and "MUST_CHECK" not in head:
                self.report(source.path, line, "must-check", f"{function}() can be ignored")
            outputs = [bool(re.search(r"\bout_\w+(\[\w*\])?$", p)) for p in parameters]
            bounds = [bool(OUTPUT_BOUND.search(p)) for p in parameters]
            at = outputs.index(True) if True in outputs else len(outputs)
            if not all(out or bound for out, bound in zip(outputs[at:], bounds[at:])):
                self.report(source.path, line, "outputs-last", f"{function}() has inputs after them")

    def check_module(self, source):
        folder = os.path.dirname(source.path)
        base = source.stem.removesuffix("_test")
        beside = {ext: f"{folder}/{base}{ext}" in self.names for ext in (".h", ".c", "_test.c")}
        if source.stem.endswith("_test"):
            if not beside[".h"] and not beside[".c"]:
                self.report(source.path, 1, "module-pair", f"a test, but no {base}.h or {base}.c")
        elif source.ext == ".c" and source.path != "src/cmd/main.c":
            if not beside[".h"] and source.layer not in HEADERLESS:
                self.report(source.path, 1, "module-pair", f"no {base}.h beside it")
            if not beside["_test.c"] and source.layer in PURE:
                self.report(source.path, 1, "module-pair", f"no {base}_test.c beside it")
        elif source.ext == ".h" and not beside[".c"] and source.layer != "port":
            if source.layer not in HEADERLESS:
                for line, _, function, _ in prototypes_of(source):
                    self.report(source.path, line, "module-pair",
                                f"{function}() is declared here, and there is no {base}.c")
                    break

    def check_includes(self, source):
        in_src = source.path.startswith("src/")
        sees_all = not in_src or (source.is_test and source.layer in TESTS_SEE_ALL)
        for number, text in enumerate(source.lines, 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', text)
            if match is None:
                continue
            quote, target = match.groups()
            top = target.split("/")[0]
            if quote == "<":
                if target in self.project_headers:
                    self.report(source.path, number, "include-form", f"<{target}> is ours")
                if target in THREAD_HEADERS and in_src and not source.is_test \
                        and source.layer != "adapter":
                    self.report(source.path, number, "ambient", f"<{target}>")
            elif "/" not in target or ".." in target or \
                    (top not in LAYERS and not (top == "tests" and not in_src)):
                self.report(source.path, number, "include-form", f'"{target}"')
            elif not sees_all and source.layer in LAYERS and top != source.layer \
                    and top not in LAYERS[source.layer]:
                self.report(source.path, number, "layer", f'{source.layer} includes "{target}"')

    def check_words(self, path, text):
        for number, line in enumerate(text.split("\n"), 1):
            match = ROTTING.search(line)
            if match:
                self.report(path, number, "rotting-word", f"'{match.group()}'")
            if re.search(r"\bNOLINT|#\s*pragma\s+(GCC|clang)\s+diagnostic|clang-format off", line):
                self.report(path, number, "nolint", "a checker is silenced here")

    def check_macros(self, source):
        for line, text in source.directives:
            match = re.match(r"\s*#\s*define\s+(\w+)", text)
            hidden = re.search(r"\b(return|goto|break)\b", text)
            if match and hidden and not source.is_test:
                self.report(source.path, line, "macro-flow",
                            f"{match.group(1)} hides a {hidden.group()}")

    def check_asserts(self, source):
        for at, _ in source.calls({"CHECK"}):
            opening = source.flat.index("(", at)
            argument = source.flat[opening + 1:match_on(source.flat, opening)]
            if re.search(r"\+\+|--|(?<![=!<>])=(?!=)|<<=|>>=", argument):
                self.report(source.path, source.line_of(at), "check-effect",
                            f"CHECK({' '.join(argument.split())})")

    def check_calls(self, source):
        code_only = not source.is_test
        allocation, logging = set(ALLOCATION.split()), set(LOGGING.split())
        for at, name in source.calls():
            line = source.line_of(at)
            if name in BANNED:
                self.report(source.path, line, "banned-call", f"{name}(): use {BANNED[name]}")
            if name in ("snprintf", "vsnprintf") and self.is_statement(source.flat, at):
                self.report(source.path, line, "ignored-length", f"{name}() may have cut the text")
            if not code_only:
                continue
            if name in allocation and source.layer not in MAY_ALLOCATE:
                self.report(source.path, line, "malloc", f"{name}()")
            kind = "threads" if THREAD_CALL.match(name) else AMBIENT_OF.get(name)
            if kind and source.layer != "adapter" and \
                    not (source.layer == "cmd" and kind in AMBIENT_IN_CMD):
                self.report(source.path, line, "ambient", f"{name}() ({kind})")
            if name in logging and source.layer not in ("adapter", "cmd"):
                self.report(source.path, line, "no-logging", f"{name}()")
            if name in ("memcmp", "strcmp", "bcmp"):
                opening = source.flat.index("(", at)
                arguments = source.flat[opening:match_on(source.flat, opening)]
                if SECRET_NAME.search(arguments):
                    self.report(source.path, line, "secret-compare", f"{name}{arguments})")

    @staticmethod
    def is_statement(code, at):
        """Whether nothing uses the value of the call at this offset."""
        before = code[:at].rstrip()
        if not before or before[-1] in ";{}:":
            return True
        if before[-1] == ")":
            opening = match_back(before, len(before) - 1)
            if before[opening + 1:-1].strip() == "void":
                return True
            word = re.search(r"([A-Za-z_]\w*)\s*$", before[:opening])
            return bool(word) and word.group(1) in CONTROL
        return bool(re.search(r"\b(else|do)$", before))

    def check_strings(self, source):
        if source.is_test or source.path.startswith("src/base/json"):
            return
        for at, content in source.strings:
            line = source.line_of(at)
            if re.search(r'\{\s*\\"|\\"\s*:', content):
                self.report(source.path, line, "json-by-hand", f'"{content[:40]}"')
            if SQL.match(content):
                if re.search(r"%[-0-9.*]*(l|ll|z|h)?[sdiuxc]", content) or \
                        SQL_BUILDERS.search(source.flat[max(0, at - 300):at]):
                    self.report(source.path, line, "sql-by-hand", f'"{content[:40]}"')

    def check_float(self, source):
        if source.is_test or source.layer not in NO_FLOAT:
            return
        for match in re.finditer(r"\b(float|double)\b", source.code):
            line = source.line_of(match.start())
            if not re.search(r"/\* not money: \S.*\*/", source.lines[line - 1]):
                self.report(source.path, line, "float", match.group())

    def check_test(self, source):
        if not source.stem.endswith("_test") and not source.path.startswith("tests/"):
            return
        if source.ext == ".c":
            opening = source.comments[0] if source.comments else (1, "")
            if self.text_before(source, opening[0]) or "Goal:" not in opening[1] \
                    or "Method:" not in opening[1]:
                self.report(source.path, 1, "test-opening", "no goal and method")
        waits = {"sleep", "usleep", "nanosleep", "clock_nanosleep", "gettimeofday", "time"}
        for at, name in source.calls(waits):
            self.report(source.path, source.line_of(at), "test-waits", f"{name}()")
        for pattern in (r"\bCLOCK_REALTIME\b", r"\bhtons\s*\(\s*[1-9]\d*\s*\)"):
            for match in re.finditer(pattern, source.flat):
                self.report(source.path, source.line_of(match.start()), "test-waits",
                            match.group())

    @staticmethod
    def text_before(source, offset):
        return source.text[:offset].strip()

    def check_source(self, source):
        self.check_name(source)
        self.check_shape(source)
        self.check_includes(source)
        self.check_macros(source)
        self.check_asserts(source)
        self.check_calls(source)
        self.check_strings(source)
        self.check_float(source)
        self.check_test(source)
        if source.path.startswith("src/"):
            self.check_module(source)
        if source.ext == ".h":
            self.check_header(source)

    # --- all files ---

    def compile_header(self, path, generated):
        """The first message of the compiler for a file that is this header, twice."""
        command = ["gcc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                   "-isystem", "/usr/include/postgresql", "-I", "src",
                   "-I", ".", "-I", generated, "-include", path, "-include", path, "-x", "c", "/dev/null"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return None
        errors = [line for line in done.stderr.split("\n") if "error:" in line]
        return errors[0] if errors else done.stderr.strip()[:200]

    @staticmethod
    def generate(folder):
        """What the build makes of api/openapi.yaml, for the headers that include it."""
        document = os.path.join(ROOT, "api", "openapi.yaml")
        tool = os.path.join(ROOT, "tools", "routes.py")
        if os.path.exists(document) and os.path.exists(tool):
            os.mkdir(os.path.join(folder, "api"))
            subprocess.run(["/usr/bin/python3", tool, document, os.path.join(folder, "api")],
                           check=True)

    def check_headers_alone(self, paths):
        with tempfile.TemporaryDirectory() as generated, \
                concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
            self.generate(generated)
            compiled = pool.map(lambda path: self.compile_header(path, generated), paths)
            for path, error in zip(paths, compiled):
                if error is not None:
                    self.report(path, 1, "header-alone", error)

    def run_sources(self):
        paths = []
        for top in ("src", "tests"):
            for folder, folders, files in os.walk(os.path.join(ROOT, top)):
                folders.sort()
                for name in sorted(files):
                    paths.append(os.path.relpath(os.path.join(folder, name), ROOT))
        self.names = set(paths)
        self.project_headers = {p[4:] for p in paths if p.startswith("src/") and p.endswith(".h")}
        for path in paths:
            extension = os.path.splitext(path)[1]
            if extension in (".c", ".h"):
                source = Source(path, self.load(path))
                self.check_source(source)
                self.check_words(path, source.text)
            elif extension in (".sh", ".py", ".inc", ".sql"):
                self.check_words(path, self.load(path))
        self.check_headers_alone([p for p in paths if p.endswith(".h")])
        return len(paths)

    def run_objects(self, build):
        """Symbols in writable sections of the objects of src/, adapter/ and tests excepted."""
        objects = []
        for folder, _, files in os.walk(build):
            for name in files:
                path = os.path.join(folder, name)
                match = re.search(r"/(src/(\w+)/\w+\.c)\.o$", path)
                if match and match.group(2) != "adapter" and not name.endswith("_test.c.o"):
                    objects.append((match.group(1), path))
        for path, file in sorted(objects):
            if not os.path.exists(os.path.join(ROOT, path)):
                continue  # left over from a source that is gone
            listing = subprocess.run(["nm", "--format=sysv", file], capture_output=True, text=True,
                                     check=True).stdout
            for line in listing.split("\n"):
                fields = [field.strip() for field in line.split("|")]
                if len(fields) == 7 and fields[3] in ("OBJECT", "TLS") and \
                        re.match(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)|\*COM\*", fields[6]):
                    self.report(path, 1, "global", f"{fields[0]} can be written to")
        return len(objects)


def read_skips():
    """([(rule, path, reason)], limit). The limit is the number after `# skips:`."""
    skips, limit = [], 0
    with open(os.path.join(ROOT, SKIPS), encoding="utf-8") as file:
        for line in file:
            match = re.match(r"#\s*skips:\s*(\d+)\s*$", line)
            if match:
                limit = int(match.group(1))
            elif line.strip() and not line.startswith("#"):
                fields = line.split(None, 2)
                skips.append((fields + ["", ""])[:2] + [(fields + ["", "", ""])[2].strip()])
    return skips, limit


def apply_skips(findings, ran):
    """The findings that remain, and those about the skips themselves."""
    skips, limit = read_skips()
    kept, used = [], set()
    for finding in findings:
        index = next((i for i, skip in enumerate(skips)
                      if skip[0] == finding[2] and skip[1] == finding[0]), None)
        if index is None:
            kept.append(finding)
        else:
            used.add(index)
    if len(skips) > limit:
        kept.append((SKIPS, 1, "skips", f"{len(skips)} skips, the limit is {limit}"))
    for index, (rule, path, reason) in enumerate(skips):
        if rule not in RULES or not reason:
            kept.append((SKIPS, 1, "skips", f"'{rule} {path}': unknown rule, or no reason given"))
        elif rule in ran and index not in used:
            kept.append((SKIPS, 1, "skips", f"'{rule} {path}' excuses nothing: take it out"))
    return kept, len(skips), limit


def main(arguments):
    if arguments == ["rules"]:
        for name, (number, instead) in RULES.items():
            print(f"{name:16} {number:3}  {instead}")
        return 0
    checker = Checker()
    if arguments in ([], ["sources"]):
        count, ran = checker.run_sources(), set(RULES) - {"global"}
    elif len(arguments) == 2 and arguments[0] == "objects":
        count, ran = checker.run_objects(arguments[1]), {"global"}
        if count == 0:
            print(f"house: no objects in {arguments[1]}: build first")
            return 1
    else:
        print("usage: house.py [sources] | objects DIR | rules", file=sys.stderr)
        return 2
    findings, skips, limit = apply_skips(checker.findings, ran)
    for path, line, rule, text in sorted(findings):
        number, instead = RULES[rule]
        print(f"{path}:{line}: {text} [rule {number}, {rule}]: {instead}")
    print(f"house: {count} files, {len(findings)} findings, {skips} skips (limit {limit})")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
