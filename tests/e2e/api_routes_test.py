"""Goal: a document that lacks something, or says two things, does not build.

Method: api/openapi.yaml is broken in one place at a time and given to tools/routes.py, which must
refuse it and name the place; the unbroken document, and one with an operation more, pass. The
one with an operation more, and the one with one less, then fail to link or compile with the
sources as they are: router and document cannot drift.
"""
import copy
import glob
import os
import subprocess
import sys

import yaml

from api_harness import SOURCE, check, equal, load_document

SCRATCH = os.environ["SCRATCH"]


def generate(document, name):
    """(exit code, message, folder with routes.inc)"""
    folder = os.path.join(SCRATCH, name)
    os.makedirs(os.path.join(folder, "api"))
    path = os.path.join(folder, "openapi.yaml")
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump(document, file, sort_keys=False)
    tool = os.path.join(SOURCE, "tools", "routes.py")
    done = subprocess.run([sys.executable, tool, path, os.path.join(folder, "api")],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stderr, folder


def breakages():
    """(name, what it does to the document, what the message names)"""
    def operation(document):
        return document["paths"]["/v1/accounts"]["post"]

    yield "no_scope", lambda d: operation(d).pop("x-scope"), "accounts_create: x-scope"
    yield "scope", lambda d: operation(d).update({"x-scope": "root"}), "accounts_create: x-scope"
    yield "no_body", lambda d: operation(d).pop("x-body-max"), "x-body-max"
    yield "no_route", lambda d: operation(d).pop("x-route"), "x-route"
    yield "route_twice", lambda d: operation(d).update({"x-route": 1}), "used twice"
    yield "no_id", lambda d: operation(d).pop("operationId"), "operationId"
    yield "no_403", lambda d: operation(d)["responses"].pop("403"), "response 403"
    yield "no_413", lambda d: operation(d)["responses"].pop("413"), "response 413"
    yield "status", lambda d: d["x-problems"]["forbidden"].update({"status": 400}), "forbidden"
    yield "code", lambda d: d["x-problems"].update({"x_y": {"status": 400, "title": "x"}}), "x_y"
    yield "gone", lambda d: d["x-problems"].pop("forbidden"), "forbidden"
    yield "reference", lambda d: d["components"]["schemas"].pop("Time"), "points nowhere"
    yield "examples", lambda d: d["x-examples"].pop(), "x-examples"
    yield "parameter", lambda d: d["paths"]["/v1/accounts/{id}"]["get"]["parameters"].pop(0), \
        "path parameters"


def compile_all(folder, names):
    """Compiles these sources of the api against the generated tables; the compiler's words."""
    embed = os.path.join(SOURCE, "tools", "embed.py")
    subprocess.run([sys.executable, embed, os.path.join(folder, "openapi.yaml"),
                    os.path.join(folder, "api", "openapi_yaml.inc")], check=True)
    done = subprocess.run(
        ["gcc", "-std=gnu17", "-w", "-c", "-I", os.path.join(SOURCE, "src"), "-I", folder,
         *[os.path.join(SOURCE, "src", "api", name) for name in names]],
        cwd=folder, capture_output=True, text=True, check=False)
    return done.stderr


def handlers_missing(objects):
    """The handlers that these objects name and none of them has."""
    listing = subprocess.run(["nm", *objects], capture_output=True, text=True, check=True).stdout
    named, had = set(), set()
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) >= 2 and fields[-1].startswith("handler_"):
            (named if fields[-2] == "U" else had).add(fields[-1])
    return named - had


def main():
    document = load_document()
    code, message, folder = generate(document, "sound")
    equal((code, message), (0, ""), "the document itself")
    sources = [os.path.basename(path) for path in glob.glob(os.path.join(SOURCE, "src/api/*.c"))
               if not path.endswith("_test.c")]
    equal(compile_all(folder, sources), "", "the compiler's words")
    objects = {name: os.path.join(folder, name[:-2] + ".o") for name in sources}
    equal(handlers_missing(objects.values()), set(), "handlers that the sources lack")
    for name, break_it, wanted in breakages():
        broken = copy.deepcopy(document)
        break_it(broken)
        code, message, _ = generate(broken, name)
        check(code == 1 and wanted in message, f"{name}: exit {code}, {message!r}")

    more = copy.deepcopy(document)
    extra = copy.deepcopy(more["paths"]["/livez"])
    extra["get"].update({"operationId": "service_extra", "x-route": 999})
    more["paths"]["/extra"] = extra
    more["x-examples"].append("service_extra")
    code, message, folder = generate(more, "more")
    equal((code, message), (0, ""), "an operation more")
    equal(compile_all(folder, ["router.c"]), "", "the compiler's words")
    objects["router.c"] = os.path.join(folder, "router.o")
    equal(handlers_missing(objects.values()), {"handler_service_extra"}, "operations without handler")

    less = copy.deepcopy(document)
    less["paths"].pop("/livez")
    less["x-examples"].remove("service_live")
    code, message, folder = generate(less, "less")
    equal((code, message), (0, ""), "an operation less")
    words = compile_all(folder, ["service.c"])
    check("ROUTE_SERVICE_LIVE" in words, f"a handler without an operation compiles: {words}")


if __name__ == "__main__":
    main()
