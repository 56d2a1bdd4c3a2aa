"""The one-page tour: sound -> Performance, whole or streamed."""
