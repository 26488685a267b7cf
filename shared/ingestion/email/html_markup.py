"""Markup in HTML, found by one expression whose time is linear: every branch ends somewhere, none looks twice."""

import re

# Up to the first `>` that is not in a quoted value, or to the end.
TAG_END = r"""(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+(?:>|\Z)"""
# The first group is what has no text to read, the second a tag's name, with its slash.
MARKUP = re.compile(
    rf"<(?:!--(?:.*?)(?:-->|\Z)"
    rf"|(?=[sStTnN])(?i:(script|style|title|template|noscript|svg)\b.*?(?:</\1\b{TAG_END}|\Z))"
    rf"|(/?[a-zA-Z][a-zA-Z0-9]*+)(?:>|{TAG_END})"
    rf"|[!?/]{TAG_END})",
    re.DOTALL,
)
