"""How many policies are decided at the price of a few.

Most policies have nothing to say about most requests, and many repeat the same match conditions and
variables. So before policies are evaluated one by one,

1. `index` finds the policies whose rules name the request's resource and operation,
2. `plan` writes down, once for the same outcome of their match conditions, which expressions to evaluate,
3. `shared` follows the plan: each expression is evaluated once for one object, whichever policies use it.

For what is asked often, `joining` makes 2 and 3 one function, by what `premises` know of all such requests.

A policy that does not apply, or admits the request, is then decided. All others are evaluated one by one, in
the API server's order and with its budgets, so that what is shared changes no decision.
"""
