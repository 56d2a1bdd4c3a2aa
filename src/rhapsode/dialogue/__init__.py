"""What a digital human says: scripted answers, a language model, marks of feeling and gesture, the log."""
