"""What the commands of `audit` do: each takes its arguments, calls one function and prints.

A file holds commands that belong together. Its `add` describes their options; a command itself is
a function `name(args) -> exit code`. Imports stand in the functions, so that help and errors of
usage come before PyTorch is loaded.
"""
