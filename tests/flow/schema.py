"""schema - as much of JSON Schema as openapi.json uses, and stricter: what it does not describe is
a finding too, so that a reply cannot grow a field that its description lacks.
"""
import re

KNOWN = {"type", "properties", "required", "items", "enum", "const", "oneOf", "$ref", "minimum",
         "maximum", "default", "description", "format"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def type_of(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return {float: "number", str: "string", list: "array", dict: "object"}[type(value)]


def resolve(document, reference):
    node = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def one_of(document, schemas, value, path):
    results = [findings(document, each, value, path) for each in schemas]
    good = sum(not result for result in results)
    if good == 1:
        return []
    return [f"{path}: fits {good} of its forms"] + ([] if good else min(results, key=len))


def members(document, schema, value, path):
    described = schema.get("properties", {})
    if not described and "required" not in schema:
        return []  # any object
    found = [f"{path}.{key}: required, not there"
             for key in schema.get("required", []) if key not in value]
    for key, each in value.items():
        if key in described:
            found += findings(document, described[key], each, f"{path}.{key}")
        else:
            found.append(f"{path}.{key}: not described")
    return found


def findings(document, schema, value, path="reply"):
    """Where a value is not what its schema says; empty: all is well."""
    if "$ref" in schema:
        return findings(document, resolve(document, schema["$ref"]), value, path)
    unknown = set(schema) - KNOWN
    if unknown:
        return [f"{path}: this test knows no {unknown}"]
    if "oneOf" in schema:
        return one_of(document, schema["oneOf"], value, path)
    if "const" in schema and (value != schema["const"] or type_of(value) != type_of(schema["const"])):
        return [f"{path}: {value!r} is not {schema['const']!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path}: {value!r} is none of {schema['enum']}"]
    kind, allowed = type_of(value), schema.get("type")
    allowed = [allowed] if isinstance(allowed, str) else allowed
    if allowed and kind not in allowed and not (kind == "integer" and "number" in allowed):
        return [f"{path}: {kind}, not {' or '.join(allowed)}"]
    found = []
    if kind in ("integer", "number"):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            found.append(f"{path}: {value} is out of range")
    if kind == "string" and schema.get("format") == "date-time" and not TIME.fullmatch(value):
        found.append(f"{path}: {value!r} is no time")
    if kind == "array":
        for i, each in enumerate(value):
            found += findings(document, schema.get("items", {}), each, f"{path}[{i}]")
    if kind == "object":
        found += members(document, schema, value, path)
    return found
