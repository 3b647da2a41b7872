"""What the tests of the HTTP API share: a server with a key, requests, and schemas."""
import contextlib
import json
import os
import re
import urllib.parse

import yaml

from cli_harness import SOURCE, Wallet, check, equal, serving

DOCUMENT_PATH = os.path.join(SOURCE, "api", "openapi.yaml")


def load_document():
    with open(DOCUMENT_PATH, encoding="utf-8") as file:
        return yaml.safe_load(file)


def resolve(document, node):
    """The node that a local $ref points to (its siblings are notes), or the node itself."""
    while isinstance(node, dict) and "$ref" in node:
        found = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()
        self.type = self.headers.get("content-type", "").split(";")[0].strip()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:2000]!r}"


class Client:
    """One keep-alive connection with a key."""

    def __init__(self, server, key):
        self.server = server
        self.key = key
        self.connection = server.connection()

    def send(self, method, target, body=None, headers=None):
        sent = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        elif isinstance(body, str):
            body = body.encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        self.connection.request(method, target, body=body, headers=sent)
        return Answer(self.connection.getresponse())

    def expect(self, status, method, target, body=None, headers=None):
        answer = self.send(method, target, body, headers)
        equal(answer.status, status, f"status of {method} {target} {body!r}: {answer!r}")
        return answer

    def close(self):
        self.connection.close()


SCOPES = "accounts:read,accounts:write,transfers:read,transfers:write,payments:read,payments:write,metrics:read,admin"


@contextlib.contextmanager
def ledger(name, *options, init=()):
    """A fresh ledger that is served: yields server and a key that may do everything."""
    wallet = Wallet(name)
    wallet.run("init", *init)
    made = wallet.json("key", "create", "test", "--scopes", SCOPES)
    with serving(wallet, "--plain", *options) as server:
        yield server, made["secret"]


# --- JSON Schema, as much of it as the document uses ---

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool}
KNOWN = {"type", "properties", "required", "additionalProperties", "items", "enum", "pattern",
         "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "uniqueItems",
         "minProperties", "oneOf", "allOf", "$ref", "const", "format", "description", "default",
         "example", "contentEncoding"}


def fits_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def violations(document, schema, value, where="$"):
    """Every way in which the value is not what the schema says."""
    if "$ref" in schema:
        return violations(document, resolve(document, schema), value, where)
    unknown = set(schema) - KNOWN
    if unknown:
        return [f"{where}: the test does not know {unknown}"]
    found = []
    if "type" in schema and not fits_type(value, schema["type"]):
        return [f"{where}: {value!r} is no {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is not in the list")
    if "const" in schema and value != schema["const"]:
        found.append(f"{where}: {value!r} is not {schema['const']!r}")
    for part in schema.get("allOf", []):
        found += violations(document, part, value, where)
    if "oneOf" in schema:
        fitting = [s for s in schema["oneOf"] if not violations(document, s, value, where)]
        if len(fitting) != 1:
            found.append(f"{where}: fits {len(fitting)} of oneOf: {value!r}")
    if isinstance(value, str):
        found += string_violations(schema, value, where)
    if isinstance(value, int) and not isinstance(value, bool):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            found.append(f"{where}: {value} is out of range")
    if isinstance(value, list):
        found += list_violations(document, schema, value, where)
    if isinstance(value, dict):
        found += object_violations(document, schema, value, where)
    return found


def string_violations(schema, value, where):
    found = []
    if "pattern" in schema and re.search(schema["pattern"], value) is None:
        found.append(f"{where}: {value!r} does not match {schema['pattern']}")
    if len(value) < schema.get("minLength", 0) or len(value) > schema.get("maxLength", 1 << 30):
        found.append(f"{where}: length of {value!r}")
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    formats = {"date-time": moment, "date": r"\d{4}-\d\d-\d\d"}
    if "format" in schema and re.fullmatch(formats[schema["format"]], value) is None:
        found.append(f"{where}: {value!r} is no {schema['format']}")
    return found


def list_violations(document, schema, value, where):
    found = []
    if len(value) < schema.get("minItems", 0) or len(value) > schema.get("maxItems", 1 << 30):
        found.append(f"{where}: {len(value)} items")
    if schema.get("uniqueItems") and len({json.dumps(v) for v in value}) != len(value):
        found.append(f"{where}: items repeat")
    for index, item in enumerate(value):
        found += violations(document, schema.get("items", {}), item, f"{where}/{index}")
    return found


def object_violations(document, schema, value, where):
    found = [f"{where}: {name} is missing" for name in schema.get("required", [])
             if name not in value]
    if len(value) < schema.get("minProperties", 0):
        found.append(f"{where}: too few members")
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties", {})
    for name, member in value.items():
        if name in properties:
            found += violations(document, properties[name], member, f"{where}/{name}")
        elif others is False:
            found.append(f"{where}: {name} is not documented")
        elif others is not True:
            found += violations(document, others, member, f"{where}/{name}")
    return found


def check_fits(document, schema, value, what):
    found = violations(document, schema, value)
    check(not found, f"{what}: {found[:5]} in {json.dumps(value)[:1000]}")


def check_answer(document, operation, answer, what):
    """The answer is one that the operation documents: status, media type, schema, code."""
    documented = operation["responses"].get(str(answer.status))
    check(documented is not None, f"{what}: status {answer.status} is not documented: {answer!r}")
    content = {name.split(";")[0]: media
               for name, media in resolve(document, documented).get("content", {}).items()}
    check(answer.type in content, f"{what}: {answer.type} is not one of {list(content)}")
    schema = content[answer.type]["schema"]
    if answer.type.endswith("json") and answer.type != "application/x-ndjson":
        check_fits(document, schema, answer.json(), what)
    if answer.status in (429, 503):
        check(answer.headers.get("retry-after", "").isdigit(), f"{what}: no Retry-After")
    if answer.status == 401:
        check("www-authenticate" in answer.headers, f"{what}: no WWW-Authenticate")


def with_query(target, query):
    if not query:
        return target
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    return f"{target}?{urllib.parse.urlencode(pairs)}"
