#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""schema_check.py SCHEMA.json [DOCUMENT.json]: checks a document (standard input) against the part
of JSON schema that config/schema uses. A keyword that is not known here is an error of the schema,
so that nothing is thought to be checked that is not. Ends 1 with one line for each mistake.

schema_check.py --schemas DIR: checks that each *.schema.json in DIR uses known keywords only."""

import glob
import json
import os
import re
import sys

ANNOTATIONS = {"$schema", "$id", "$defs", "$comment", "title", "description", "examples", "default",
               "contentEncoding", "contentMediaType"}
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


class Checker:
    def __init__(self, schema):
        self.root = schema
        self.known = {
            "$ref": self.ref, "type": self.type, "const": self.const, "enum": self.enum,
            "required": self.required, "properties": self.properties,
            "additionalProperties": self.additional, "items": self.items,
            "minItems": self.min_items, "maxItems": self.max_items, "minLength": self.min_length,
            "maxLength": self.max_length, "pattern": self.pattern, "minimum": self.minimum,
            "maximum": self.maximum, "exclusiveMinimum": self.above,
            "exclusiveMaximum": self.below, "oneOf": self.one_of, "anyOf": self.any_of,
            "allOf": self.all_of, "not": self.never, "propertyNames": self.names,
            "patternProperties": self.pattern_properties, "uniqueItems": self.unique,
            "dependentRequired": self.dependent,
        }

    def check(self, schema, value, at):
        """-> [mistake]"""
        if schema is True:
            return []
        if schema is False:
            return [f"{at}: nothing is allowed here"]
        found = []
        for keyword, wanted in schema.items():
            if keyword not in ANNOTATIONS:
                found += self.known[keyword](wanted, value, at, schema)
        return found

    def resolve(self, name):
        part = self.root
        for step in name.removeprefix("#/").split("/"):
            part = part[step]
        return part

    def ref(self, name, value, at, _):
        return self.check(self.resolve(name), value, at)

    def type(self, names, value, at, _):
        names = [names] if isinstance(names, str) else names
        if any(is_type(value, name) for name in names):
            return []
        return [f"{at}: {json.dumps(value)[:60]} is not of type {'/'.join(names)}"]

    def const(self, wanted, value, at, _):
        same = value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
        return [] if same else [f"{at}: {json.dumps(value)[:60]} is not {json.dumps(wanted)}"]

    def enum(self, wanted, value, at, _):
        return [] if value in wanted else [f"{at}: {json.dumps(value)[:60]} is none of {wanted}"]

    def required(self, names, value, at, _):
        if not isinstance(value, dict):
            return []
        return [f"{at}: has no \"{name}\"" for name in names if name not in value]

    def dependent(self, wanted, value, at, schema):
        if not isinstance(value, dict):
            return []
        return [mistake for name, names in wanted.items() if name in value
                for mistake in self.required(names, value, at, schema)]

    def properties(self, wanted, value, at, _):
        if not isinstance(value, dict):
            return []
        return [mistake for name, schema in wanted.items() if name in value
                for mistake in self.check(schema, value[name], f"{at}.{name}")]

    def pattern_properties(self, wanted, value, at, _):
        if not isinstance(value, dict):
            return []
        return [mistake for pattern, schema in wanted.items() for name in value
                if re.search(pattern, name)
                for mistake in self.check(schema, value[name], f"{at}.{name}")]

    def additional(self, wanted, value, at, schema):
        if not isinstance(value, dict):
            return []
        patterns = schema.get("patternProperties", {})
        return [mistake for name in value
                if name not in schema.get("properties", {})
                and not any(re.search(pattern, name) for pattern in patterns)
                for mistake in self.check(wanted, value[name], f"{at}.{name}")]

    def names(self, wanted, value, at, _):
        if not isinstance(value, dict):
            return []
        return [mistake for name in value for mistake in self.check(wanted, name, f"{at}.{name}")]

    def items(self, wanted, value, at, _):
        if not isinstance(value, list):
            return []
        return [mistake for i, item in enumerate(value)
                for mistake in self.check(wanted, item, f"{at}[{i}]")]

    def min_items(self, wanted, value, at, _):
        few = isinstance(value, list) and len(value) < wanted
        return [f"{at}: fewer than {wanted} items"] if few else []

    def max_items(self, wanted, value, at, _):
        many = isinstance(value, list) and len(value) > wanted
        return [f"{at}: more than {wanted} items"] if many else []

    def unique(self, wanted, value, at, _):
        if not wanted or not isinstance(value, list):
            return []
        texts = [json.dumps(item, sort_keys=True) for item in value]
        return [f"{at}: an item comes twice"] if len(set(texts)) != len(texts) else []

    def min_length(self, wanted, value, at, _):
        short = isinstance(value, str) and len(value) < wanted
        return [f"{at}: shorter than {wanted}"] if short else []

    def max_length(self, wanted, value, at, _):
        long = isinstance(value, str) and len(value) > wanted
        return [f"{at}: longer than {wanted}"] if long else []

    def pattern(self, wanted, value, at, _):
        if not isinstance(value, str) or re.search(wanted, value):
            return []
        return [f"{at}: {value[:60]!r} does not match {wanted}"]

    def minimum(self, wanted, value, at, _):
        less = is_type(value, "number") and value < wanted
        return [f"{at}: {value} is less than {wanted}"] if less else []

    def maximum(self, wanted, value, at, _):
        more = is_type(value, "number") and value > wanted
        return [f"{at}: {value} is more than {wanted}"] if more else []

    def above(self, wanted, value, at, _):
        less = is_type(value, "number") and value <= wanted
        return [f"{at}: {value} is not more than {wanted}"] if less else []

    def below(self, wanted, value, at, _):
        more = is_type(value, "number") and value >= wanted
        return [f"{at}: {value} is not less than {wanted}"] if more else []

    def one_of(self, wanted, value, at, _):
        fitting = sum(not self.check(schema, value, at) for schema in wanted)
        return [] if fitting == 1 else [f"{at}: fits {fitting} of {len(wanted)} forms, not one"]

    def any_of(self, wanted, value, at, _):
        if any(not self.check(schema, value, at) for schema in wanted):
            return []
        return [f"{at}: fits none of {len(wanted)} forms"]

    def all_of(self, wanted, value, at, _):
        return [mistake for schema in wanted for mistake in self.check(schema, value, at)]

    def never(self, wanted, value, at, _):
        return [] if self.check(wanted, value, at) else [f"{at}: must not be of this form"]

    def unknown(self, schema, at="#"):
        """Keywords of the schema that are not known -> [mistake]"""
        if not isinstance(schema, dict):
            return []
        found = [f"{at}: keyword \"{name}\" is not checked by schema_check.py"
                 for name in schema if name not in ANNOTATIONS and name not in self.known]
        for name in ("properties", "$defs", "patternProperties"):
            for key, part in schema.get(name, {}).items():
                found += self.unknown(part, f"{at}/{name}/{key}")
        for name in ("items", "additionalProperties", "not", "propertyNames"):
            found += self.unknown(schema.get(name), f"{at}/{name}")
        for name in ("oneOf", "anyOf", "allOf"):
            for i, part in enumerate(schema.get(name, [])):
                found += self.unknown(part, f"{at}/{name}/{i}")
        if "$ref" in schema:
            try:
                self.resolve(schema["$ref"])
            except (KeyError, TypeError):
                found.append(f"{at}: $ref {schema['$ref']} leads nowhere")
        return found


def pairs_once(pairs):
    names = [name for name, _ in pairs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"keys given twice: {sorted(twice)}")
    return dict(pairs)


def load(file):
    return json.load(file, object_pairs_hook=pairs_once)


def main(args):
    mistakes = []
    if args[0] == "--schemas":
        for path in sorted(glob.glob(os.path.join(args[1], "*.schema.json"))):
            with open(path, encoding="utf-8") as file:
                schema = load(file)
            mistakes += [f"{path}: {m}" for m in Checker(schema).unknown(schema)]
    else:
        with open(args[0], encoding="utf-8") as file:
            schema = load(file)
        with open(args[1] if len(args) > 1 else 0, encoding="utf-8") as file:
            document = load(file)
        checker = Checker(schema)
        mistakes = checker.unknown(schema) or checker.check(schema, document, "document")
    for mistake in mistakes:
        print(mistake)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
