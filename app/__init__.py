"""The review screen. `audit review` loads this folder from where it travels and calls app.serve."""
