package mapping

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// maxNative bounds how deep a value that an expression made may nest.
const maxNative = 64

// jsonAdapter shows decoded JSON to CEL, value by value as they are looked at.
type jsonAdapter struct{}

// NativeToValue keeps whole numbers whole: an employee number of 20 digits must not
// become a rounded one.
func (a jsonAdapter) NativeToValue(value any) ref.Val { //nolint:ireturn // cel-go's interface
	switch value := value.(type) {
	case json.Number:
		return number(string(value))
	case map[string]any:
		return sortedMap{Mapper: types.NewStringInterfaceMap(a, value), keys: value}
	case []any:
		return types.NewDynamicList(a, value)
	default:
		return types.DefaultTypeAdapter.NativeToValue(value)
	}
}

func number(text string) ref.Val { //nolint:ireturn // one of several types of cel-go
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return types.Int(whole)
	}
	if whole, err := strconv.ParseUint(text, 10, 64); err == nil {
		return types.Uint(whole)
	}
	if !strings.ContainsAny(text, ".eE") {
		return types.String(text)
	}
	float, _ := strconv.ParseFloat(text, 64) // beyond a float it is infinite, and greater than any limit
	return types.Double(float)
}

// sortedMap is an object whose keys come in one order: signals must not depend on Go's.
type sortedMap struct {
	traits.Mapper

	keys map[string]any
}

// Iterator goes through the keys in order.
func (m sortedMap) Iterator() traits.Iterator { //nolint:ireturn // cel-go's interface
	return types.NewStringList(jsonAdapter{}, slices.Sorted(maps.Keys(m.keys))).Iterator()
}

// native gives a value as encoding/json would: nil, bool, string, json.Number, []any or
// map[string]any.
func native(value ref.Val, depth int) (any, error) {
	if decoded := value.Value(); isContainer(decoded) {
		return decoded, nil
	}
	switch value := value.(type) {
	case types.String:
		return string(value), nil
	case types.Bool:
		return bool(value), nil
	case types.Null:
		return nil, nil //nolint:nilnil // JSON's null
	case types.Int:
		return json.Number(strconv.FormatInt(int64(value), 10)), nil
	case types.Uint:
		return json.Number(strconv.FormatUint(uint64(value), 10)), nil
	case types.Double:
		return double(float64(value))
	case types.Timestamp:
		return value.UTC().Format(time.RFC3339Nano), nil
	default:
		return nativeContainer(value, depth)
	}
}

// isContainer knows what was in the body as it is: it needs no copy.
func isContainer(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return true
	default:
		return false
	}
}

func nativeContainer(value ref.Val, depth int) (any, error) {
	if depth == 0 {
		return nil, evalError("its expression gives something that nests too deep")
	}
	switch value := value.(type) {
	case traits.Mapper:
		return nativeMap(value, depth-1)
	case traits.Lister:
		return nativeList(value, depth-1)
	default:
		return nil, evalError("its expression gives neither a text nor a number, a list or an object")
	}
}

// double always has a point or an exponent, so that it is never taken for a whole number.
func double(value float64) (any, error) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return nil, evalError("its expression gives something that is not a number")
	}
	text := strconv.FormatFloat(value, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return json.Number(text), nil
}

func nativeList(list traits.Lister, depth int) (any, error) {
	values := []any{}
	for it := list.Iterator(); it.HasNext() == types.True; {
		value, err := native(it.Next(), depth)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}

func nativeMap(object traits.Mapper, depth int) (any, error) {
	values := map[string]any{}
	for it := object.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, evalError("its expression gives an object with a key that is no text")
		}
		value, err := native(object.Get(key), depth)
		if err != nil {
			return nil, err
		}
		values[string(name)] = value
	}
	return values, nil
}
