"""Written text to what is said: numbers, dates and abbreviations as words, words as phones."""
