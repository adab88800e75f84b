package config

import (
	"math"
	"regexp"
	"strconv"
)

// Size is a number of bytes, written as 512KiB, 4MiB, 12GiB or plain bytes.
type Size int64

const sizePattern = `^[0-9]{1,19}(?:KiB|MiB|GiB|TiB)?$`

var sizeForm = regexp.MustCompile(`^([0-9]{1,19})(KiB|MiB|GiB|TiB)?$`)

func setSize(into *Size, text string) *Problem {
	problem := &Problem{
		Message: quote(text) + " is not a size",
		Fix:     "write whole bytes, or a whole number with KiB, MiB, GiB or TiB, such as 4MiB",
	}
	parts := sizeForm.FindStringSubmatch(text)
	if parts == nil {
		return problem
	}

	number, err := strconv.ParseInt(parts[1], 10, 64)
	unit := sizeUnit(parts[2])
	if err != nil || number > math.MaxInt64/unit {
		return problem
	}
	*into = Size(number * unit)

	return nil
}

func sizeUnit(name string) int64 {
	switch name {
	case "KiB":
		return 1 << 10
	case "MiB":
		return 1 << 20
	case "GiB":
		return 1 << 30
	case "TiB":
		return 1 << 40
	default:
		return 1
	}
}

// String prints the largest unit that divides the size, or plain bytes.
func (s Size) String() string {
	for _, name := range []string{"TiB", "GiB", "MiB", "KiB"} {
		unit := sizeUnit(name)
		if s != 0 && int64(s)%unit == 0 {
			return strconv.FormatInt(int64(s)/unit, 10) + name
		}
	}

	return strconv.FormatInt(int64(s), 10)
}
