"""One module a dimension: DIMENSION says what it has, measure(bench) measures it."""

from measure.dimensions import creates, downloads, glance, lists, memory, metadata, size, start, stores, uploads

ALL = (metadata, lists, creates, uploads, downloads, glance, stores, memory, start, size)
