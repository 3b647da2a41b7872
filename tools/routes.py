#!/usr/bin/env python3
"""Makes the router's tables from api/openapi.yaml: routes.py IN OUTDIR -> OUTDIR/routes.inc.

What cannot be generated is checked here, and fails the build: every operation has an id, a scope
of the scope list, a body limit and all its problem codes; every problem code is documented once,
under its own status.
"""
import os
import re
import sys

import yaml

METHODS = {"get": "API_GET", "post": "API_POST", "patch": "API_PATCH", "put": "API_PUT",
           "delete": "API_DELETE"}
ANY = "*/*" # a body whose type is the sender's: it is not looked at
HEAD = """/* Made by tools/routes.py from api/openapi.yaml: change that instead. */
"""


def fail(text):
    sys.exit(f"routes.py: {text}")


def resolve(document, node):
    """The node that a local $ref points to, or the node itself."""
    while isinstance(node, dict) and "$ref" in node:
        found = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            if part not in found:
                fail(f"{node['$ref']} points nowhere")
            found = found[part]
        node = found
    return node


def codes_of(response):
    """The problem codes that a response documents."""
    content = response.get("content", {}).get("application/problem+json")
    if content is None:
        return []
    return content["schema"]["allOf"][1]["properties"]["code"]["enum"]


def check_references(document, node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            resolve(document, node)
        for value in node.values():
            check_references(document, value)
    elif isinstance(node, list):
        for value in node:
            check_references(document, value)


def check_problems(document):
    """Every code stands in one response of components, and in x-problems or a list of outcomes."""
    schemas = document["components"]["schemas"]
    known = set(document["x-problems"])
    for name in ("TransferOutcome", "AccountOutcome", "AdminOutcome", "PaymentOutcome"):
        known |= set(schemas[name]["enum"]) - {"ok"}
    documented = set()
    for name, response in document["components"]["responses"].items():
        for code in codes_of(response):
            if code not in known:
                fail(f"response {name}: '{code}' is neither in x-problems nor an outcome")
            documented.add(code)
    for code in sorted(known - documented):
        fail(f"problem '{code}' is in no response")


def check_operation(document, name, operation):
    scopes = document["components"]["schemas"]["Scope"]["enum"]
    if operation.get("x-scope", "") not in scopes + [None]:
        fail(f"{name}: x-scope must be one of {scopes}, or null")
    if (operation["x-scope"] is None) != (operation.get("security") == []):
        fail(f"{name}: x-scope and security differ")
    if not isinstance(operation.get("x-route"), int) or operation["x-route"] < 1:
        fail(f"{name}: x-route must be a number from 1")
    if not isinstance(operation.get("x-body-max"), int):
        fail(f"{name}: x-body-max is missing")
    if ("requestBody" in operation) != (operation["x-body-max"] > 0):
        fail(f"{name}: requestBody and x-body-max differ")
    needed = {"400", "429"}
    if operation["x-scope"] is not None:
        needed |= {"401", "403"}
    if operation["x-body-max"] > 0:
        needed |= {"413"}
        if ANY not in operation["requestBody"]["content"]:
            needed |= {"415"}
    for status in sorted(needed - set(operation["responses"])):
        fail(f"{name}: response {status} is missing")
    for status, node in operation["responses"].items():
        for code in codes_of(resolve(document, node)):
            own = document["x-problems"].get(code, {}).get("status", int(status))
            if own != int(status):
                fail(f"{name}: '{code}' is {own}, not {status}")


def queries_of(operation, parameters):
    """(name among components, name in the query): one word may mean something else elsewhere."""
    nodes = operation.get("parameters", [])
    return [(node.get("$ref", found["name"]).rsplit("/", 1)[-1], found["name"])
            for node, found in zip(nodes, parameters) if found["in"] == "query"]


def operations_of(document):
    """(method, path, operation, query parameters, content types) in the order of the file."""
    found = []
    names, numbers = set(), set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            name = operation.get("operationId", "")
            if method not in METHODS or not re.fullmatch(r"[a-z]+(_[a-z]+)*", name):
                fail(f"{method} {path}: unknown method, or operationId '{name}'")
            if name in names:
                fail(f"operationId '{name}' is used twice")
            names.add(name)
            check_operation(document, name, operation)
            if operation["x-route"] in numbers:
                fail(f"{name}: x-route {operation['x-route']} is used twice")
            numbers.add(operation["x-route"])
            parameters = [resolve(document, p) for p in operation.get("parameters", [])]
            in_path = [p["name"] for p in parameters if p["in"] == "path"]
            if in_path != re.findall(r"\{(\w+)\}", path) or len(in_path) > 1:
                fail(f"{name}: path parameters do not fit {path}")
            queries = queries_of(operation, parameters)
            if len({text for _, text in queries}) < len(queries):
                fail(f"{name}: two query parameters have one name")
            types = [t for t in operation.get("requestBody", {}).get("content", {}) if t != ANY]
            found.append((method, path, operation, queries, types))
    if set(document["x-examples"]) != names:
        fail(f"x-examples lacks or invents {set(document['x-examples']) ^ names}")
    return found


def table(name, rows):
    return f"#define {name}(X)" + "".join(f" \\\n    X({row})" for row in rows) + "\n\n"


def flags(prefix, names):
    return " | ".join(prefix + n.upper() for n in names) or "0"


def media_name(media_type):
    return re.sub(r"[^A-Z]", "_", media_type.split("/")[1].removeprefix("vnd.tpwallet.").upper())


def render(document):
    operations = operations_of(document)
    parameters = sorted({q for row in operations for q in row[3]})
    media = sorted({t for row in operations for t in row[4]})
    out = HEAD
    out += "/* operation, name, number, method, path, scope (0: none), body_max, parameters, media types */\n"
    rows = []
    for method, path, operation, queries, types in operations:
        scope = operation["x-scope"]
        scope = "SCOPE_" + re.sub(r"[^A-Z]", "_", scope.upper()) if scope else "0"
        name = operation["operationId"]
        rows.append(f'{name}, {name.upper()}, {operation["x-route"]}, {METHODS[method]}, '
                    f'"{path}", {scope}, '
                    f'{operation["x-body-max"]}, {flags("PARAMETER_", [q for q, _ in queries])}, '
                    f'{flags("MEDIA_", [media_name(t) for t in types])}')
    out += table("ROUTE_TABLE", rows)
    out += "/* name, bit, text */\n"
    out += table("PARAMETER_TABLE", [f'{p.upper()}, {1 << i}, "{text}"'
                                     for i, (p, text) in enumerate(parameters)])
    out += table("MEDIA_TABLE", [f'{media_name(t)}, {1 << i}, "{t}"' for i, t in enumerate(media)])
    out += "/* name, code, HTTP status, title */\n"
    out += table("PROBLEM_TABLE", [f'{code.upper()}, "{code}", {row["status"]}, "{row["title"]}"'
                                   for code, row in document["x-problems"].items()])
    out += "/* what the document says of lists that live elsewhere; a test compares them */\n"
    for kind in ("TransferOutcome", "AccountOutcome", "AdminOutcome", "PaymentOutcome",
                 "TransferKind", "TransferFlag", "AccountKind", "AccountFlag", "PaymentKind",
                 "PaymentState", "Scope"):
        name = re.sub(r"(?<!^)([A-Z])", r"_\1", kind).upper()
        out += table(f"DOCUMENTED_{name}",
                     [f'"{code}"' for code in document["components"]["schemas"][kind]["enum"]])
    post = document["paths"]["/v1/transfers"]["post"]["requestBody"]["content"]["application/json"]
    out += f'#define DOCUMENTED_TRANSFERS_MAX {post["schema"]["oneOf"][1]["maxItems"]}\n'
    out += f"#define ROUTE_NUMBER_MAX {max(row[2]['x-route'] for row in operations)}\n"
    limit = document["components"]["parameters"]["limit"]["schema"]
    out += f'#define DOCUMENTED_PAGE_MAX {limit["maximum"]}\n'
    out += f'#define DOCUMENTED_PAGE_DEFAULT {limit["default"]}\n'
    return out


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: routes.py IN OUTDIR")
    with open(sys.argv[1], encoding="utf-8") as source:
        document = yaml.safe_load(source)
    check_references(document, document)
    check_problems(document)
    text = render(document)
    with open(os.path.join(sys.argv[2], "routes.inc"), "w", encoding="ascii") as out:
        out.write(text)


if __name__ == "__main__":
    main()
