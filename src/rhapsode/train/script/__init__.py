"""The recording script: prompts that cover a language, recorded take by take into a data folder."""
