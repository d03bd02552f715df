"""The web pages: the same services as under `/v1`, for people.

They are rendered here and usable without script. Scripts only make pages livelier, and every one is
a file of this package: nothing is fetched from elsewhere, and nothing inline runs.
"""
