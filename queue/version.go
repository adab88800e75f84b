package queue

import (
	"strconv"
	"strings"
)

// The oldest nats-server with message schedules (AllowMsgSchedules).
const oldestMajor, oldestMinor = 2, 12

// tooOld reports whether a server's version, such as 2.15.2 or 2.12.0-RC.1, is below the
// oldest that will do. One that cannot be read is taken for new.
func tooOld(version string) bool {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return false
	}
	major, majorErr := strconv.Atoi(parts[0])
	minor, minorErr := strconv.Atoi(parts[1])
	if majorErr != nil || minorErr != nil {
		return false
	}
	return major < oldestMajor || (major == oldestMajor && minor < oldestMinor)
}
