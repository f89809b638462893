@rem Runs the given command. On Windows, npm scripts find this file in the place of the `exec` of a shell.
@%*
