"""Files, one module per format; the extension of a path names the format.

`save` and `load` move a whole performance, `open_writer` and `open_writers` write one as it is made.
"""

from rhapsode.formats.atomic import AtomicWriter, WriterSet, open_writer, open_writers, save
from rhapsode.formats.options import WriteOptions
from rhapsode.formats.registry import FORMATS, Format, Writer, format_of, load

__all__ = [
    "FORMATS",
    "AtomicWriter",
    "Format",
    "WriteOptions",
    "Writer",
    "WriterSet",
    "format_of",
    "load",
    "open_writer",
    "open_writers",
    "save",
]
