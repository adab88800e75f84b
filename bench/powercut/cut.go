package powercut

import (
	"math/rand/v2"
)

// Dropped is what a cut took.
type Dropped struct {
	Writes int // writes that had not been fsynced and are gone, or half gone
	Bytes  int // in them
	Names  int // names made, changed or removed that are as they were before
}

// Cut switches the power off: every call gets EIO from now on. It gives the disk as it is when the power comes back. Without luck,
// nothing is on it that was not durable; with it, some of the rest happened to be written: any of the
// writes, the last of them perhaps only up to a sector or page, and the first few changes of names.
func (d *Disk) Cut(luck *rand.Rand) (*Disk, Dropped) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	c := cut{luck: luck, from: d, to: &Disk{promise: d.promise, nodes: make(map[uint64]*node)}, copies: make(map[*node]*node)}
	c.keepNames()
	c.to.root = c.keep(d.root)
	c.countLost()
	return c.to, c.dropped
}

type cut struct {
	luck     *rand.Rand // nil for none
	from, to *Disk
	copies   map[*node]*node
	dropped  Dropped
}

// keepNames lets the oldest changes happen that no fsync asked for: up to any step with Ext4, which has one journal,
// and up to any step of each folder with Strict.
func (c *cut) keepNames() {
	until := make(map[*node]int) // the first step that is lost, for each folder
	for _, change := range c.from.journal {
		of := change.dir
		if c.from.promise == Ext4 {
			of = nil
		}
		if _, known := until[of]; !known {
			until[of] = c.firstLost(change.step)
		}
		if change.step < until[of] {
			apply(change.dir.durableNames, change)
			continue
		}
		c.dropped.Names++
	}
}

// firstLost is the number of a step, from the first one that is not durable to the one that never was.
func (c *cut) firstLost(first int) int {
	if c.luck == nil {
		return first
	}
	return first + c.luck.IntN(c.from.steps-first+2)
}

// keep copies what survives of a node and of all below it.
func (c *cut) keep(n *node) *node {
	if known, seen := c.copies[n]; seen {
		return known
	}
	kept := c.to.newNode(n.mode)
	kept.mtime = n.mtime
	c.copies[n] = kept
	c.keepData(n, kept)
	for name, child := range n.durableNames {
		copied := c.keep(child)
		kept.names[name], kept.durableNames[name] = copied, copied
	}
	return kept
}

func (c *cut) keepData(n, kept *node) {
	content := append([]byte(nil), n.durable...)
	survivors := n.pending[:0:0]
	for _, e := range n.pending {
		if c.luck != nil && c.luck.IntN(2) == 0 {
			survivors = append(survivors, e)
			continue
		}
		c.drop(len(e.data))
	}
	if last := len(survivors) - 1; last >= 0 && c.luck.IntN(2) == 0 {
		whole := survivors[last]
		survivors[last] = c.tear(whole)
		if lost := len(whole.data) - len(survivors[last].data); lost > 0 {
			c.drop(lost)
		}
	}
	for _, e := range survivors {
		content = e.applyTo(content)
	}
	kept.data, kept.durable = content, append([]byte(nil), content...)
}

// countLost counts the writes to files that have no name any more.
func (c *cut) countLost() {
	for _, n := range c.from.nodes {
		if _, kept := c.copies[n]; kept {
			continue
		}
		for _, e := range n.pending {
			c.drop(len(e.data))
		}
	}
}

func (c *cut) drop(size int) {
	c.dropped.Writes++
	c.dropped.Bytes += size
}

// tear ends a write at a boundary of sectors or pages within it, if there is one.
func (c *cut) tear(e edit) edit {
	unit := []uint64{512, 4096}[c.luck.IntN(2)]
	first := unit - e.offset%unit // bytes up to the first boundary
	size := uint64(len(e.data))
	if e.resize || size <= first {
		return e
	}
	boundaries := (size-first-1)/unit + 1
	e.data = e.data[:first+unit*c.luck.Uint64N(boundaries)]
	return e
}
