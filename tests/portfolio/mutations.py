"""How documents are broken."""


def change(path, update):
    """Return a mutation: what lies at a path becomes ``update`` of it."""

    def mutate(document):
        *way, last = path
        inner = document
        for part in way:
            inner = inner[part]
        inner[last] = update(inner[last]) if callable(update) else update

    return mutate


def together(*mutations):
    def mutate(document):
        for mutation in mutations:
            mutation(document)

    return mutate


def half(value):
    return value / 2


def double(value):
    return value * 2
