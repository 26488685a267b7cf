"""Text of an HTML mail: what a reader sees, line by line."""

import re

MAX_HTML_CHARACTERS = 2_000_000
_BLOCKS = "p,div,br,tr,li,h1,h2,h3,h4,h5,h6,table,blockquote,ul,ol,pre,hr,section,article,header,footer"
_UNSEEN = ["script", "style", "head", "title", "template", "noscript", "svg"]


def html_to_text(html: str) -> str:
    """Return the text of `html` (its first 2 million characters), one line a block, no empty runs."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html[:MAX_HTML_CHARACTERS])
    tree.strip_tags(_UNSEEN)
    for block in tree.css(_BLOCKS):
        block.insert_before("\n")
        block.insert_after("\n")
    body = tree.body
    text = body.text() if body else ""
    lines = (re.sub(r"[ \t\r\f\v\xa0]+", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
