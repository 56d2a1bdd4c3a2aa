"""What is kept of conversations: a database, one thread that writes, reading, export and deletion.

`rhapsode.dialogue.log.writer` takes events and needs no database at once; the rest imports SQLAlchemy.
"""
