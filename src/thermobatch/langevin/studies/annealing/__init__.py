"""L2: does cooling find the global basin?"""
