"""The app that Azure Functions loads: every trigger of `functions`, no logic."""

import azure.functions as func

from functions import BLUEPRINTS

app = func.FunctionApp()
for blueprint in BLUEPRINTS:
    app.register_functions(blueprint)
