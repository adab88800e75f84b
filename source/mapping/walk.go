package mapping

// scope is what paths and expressions can see of one item.
type scope struct {
	item   any
	body   any
	header map[string]string // by canonical name
	kind   string            // the sender's word for the type; "" before it is known
	cost   *budget
}

// find gives the values at the path: none if something on the way is missing, several only
// through [*]. A list at the path's end is one value.
func (p path) find(s *scope) []any {
	switch p.root {
	case atItem:
		return descend(s.item, p.steps)
	case atBody:
		return descend(s.body, p.steps)
	case atHeader:
		if value, kept := s.header[p.header]; kept {
			return []any{value}
		}
	case atType:
		if s.kind != "" {
			return []any{s.kind}
		}
	}
	return nil
}

// descend visits no value twice, so it costs no more than reading the body.
func descend(from any, steps []step) []any {
	values := []any{from}
	for _, step := range steps {
		var below []any
		for _, value := range values {
			below = step.into(below, value)
		}
		values = below
	}
	return values
}

// findAll is find for a path in the body of which every part must be there.
func (p path) findAll(s *scope) ([]any, error) {
	values := []any{s.item}
	for _, step := range p.steps {
		var below []any
		for _, value := range values {
			before := len(below)
			below = step.into(below, value)
			if list, ok := value.([]any); len(below) == before && (!ok || len(list) > 0 || step.kind != toEvery) {
				return nil, errNoList
			}
		}
		values = below
	}
	return values, nil
}

// into appends what the step leads to from value.
func (st step) into(to []any, value any) []any {
	switch value := value.(type) {
	case map[string]any:
		if found, ok := value[st.key]; ok && st.kind == toKey {
			return append(to, found)
		}
	case []any:
		switch {
		case st.kind == toEvery:
			return append(to, value...)
		case st.kind == toIndex && st.index < len(value):
			return append(to, value[st.index])
		}
	}
	return to
}

// put replaces what the step leads to from holder by what change makes of it.
func (st step) put(holder any, change func(any) (any, error)) error {
	switch holder := holder.(type) {
	case map[string]any:
		if old, ok := holder[st.key]; ok && st.kind == toKey {
			return replace(old, change, func(value any) { holder[st.key] = value })
		}
	case []any:
		for i, old := range holder {
			if st.kind == toEvery || st.kind == toIndex && st.index == i {
				if err := replace(old, change, func(value any) { holder[i] = value }); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func replace(old any, change func(any) (any, error), set func(any)) error {
	value, err := change(old)
	if err != nil {
		return err
	}
	set(value)
	return nil
}
