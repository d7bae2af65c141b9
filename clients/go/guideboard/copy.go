package guideboard

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The directories of a run that hold its outputs. Nothing else beneath a run is looked at.
var outputDirectories = []string{"normalized", "reports", "exports", "artifacts"}

// runCopy is a directory that is filled with a run.
type runCopy struct{ root string }

// inTheWayError is what keeps one file out of the copy.
type inTheWayError struct{ message string }

func (e *inTheWayError) Error() string { return e.message }

// place is where a path of the run is in the copy. Nothing that is refused leaves the copy, and nothing on the way is a link.
func (c runCopy) place(path string) (string, error) {
	local, err := filepath.Localize(path)
	if err != nil || path == "." || strings.ContainsAny(path, "\\\x00") {
		return "", &inTheWayError{"its path is refused"}
	}
	place := c.root
	names := strings.Split(local, string(filepath.Separator))
	for _, name := range names[:len(names)-1] {
		place = filepath.Join(place, name)
		switch found, err := os.Lstat(place); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", err
		case !found.IsDir():
			return "", &inTheWayError{fmt.Sprintf("something else than a directory stands at %s", filepath.ToSlash(place))}
		}
	}
	return filepath.Join(c.root, local), nil
}

// prepare is the place of a file, whose directory is there.
func (c runCopy) prepare(path string) (string, error) {
	place, err := c.place(path)
	if err != nil {
		return "", err
	}
	return place, os.MkdirAll(filepath.Dir(place), 0o777)
}

// standing is the digest of a file in the copy; empty when there is none.
func (c runCopy) standing(path string) (string, error) {
	place, err := c.place(path)
	if err != nil {
		return "", err
	}
	found, err := os.Lstat(place)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case !found.Mode().IsRegular():
		return "", &inTheWayError{"something else than a file stands there in the directory"}
	}
	file, err := os.Open(place)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// others are the files among the outputs that are none of these.
func (c runCopy) others(known map[string]bool) ([]string, error) {
	var others []string
	for _, directory := range outputDirectories {
		err := filepath.WalkDir(filepath.Join(c.root, directory), func(place string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || entry.IsDir() {
				return err
			}
			path, err := filepath.Rel(c.root, place)
			if path = filepath.ToSlash(path); err == nil && !known[path] {
				others = append(others, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return others, nil
}
