"""The checks of `nicamon doctor`: each is one function below `@check`, in the file of what it looks at."""
