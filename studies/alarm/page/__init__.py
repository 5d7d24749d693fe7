def write_page(out, place, parts):
    import json
    print(json.dumps({k:(v if k=='times' else list(v)) for k,v in parts.items()}))
