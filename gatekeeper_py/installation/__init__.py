"""How the engine comes into a cluster, keeps itself there, and goes.

What is applied is computed and touches nothing: `contents`, from `rights`, `deployment` and `config_maps`;
`kustomize` writes it as files. `access` asks the API server; `installer` and `removal` apply and take away.
`upkeep` runs beside the server: `custody` rotates its certificate, `registrar` keeps its registration, and a
`lease` says which replica does.
"""
