"""The commands of `curate`, by what they are about.

Each group has `add(command)`, which adds its commands and their options, and one function a
command, `name(args) -> exit code`. Heavy modules are imported inside the functions, so that
`curate --help` is quick.
"""
