package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// plan is the file that control-plane and node are started with.
type plan struct {
	// StopTimeoutSeconds bounds the whole stop, all components together. Default 10.
	StopTimeoutSeconds float64 `json:"stopTimeoutSeconds"`
	// Components in the order in which they start.
	Components []planned `json:"components"`
}

type planned struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
}

func (p plan) stopTimeout() time.Duration {
	return time.Duration(p.StopTimeoutSeconds * float64(time.Second))
}

// readPlan reads and checks a plan whose components must be among the known ones, each at most once.
func readPlan(path string, known []string) (plan, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return plan{}, err
	}
	result := plan{StopTimeoutSeconds: 10}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&result); err != nil {
		return plan{}, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return plan{}, fmt.Errorf("%s: something follows the JSON object", path)
	}
	if result.StopTimeoutSeconds <= 0 {
		return plan{}, fmt.Errorf("%s: stopTimeoutSeconds is %g, it must be positive", path, result.StopTimeoutSeconds)
	}
	if len(result.Components) == 0 {
		return plan{}, fmt.Errorf("%s: it lists no components; known are: %s", path, strings.Join(known, ", "))
	}
	seen := map[string]bool{}
	for _, component := range result.Components {
		if !slices.Contains(known, component.Name) {
			return plan{}, fmt.Errorf("%s: unknown component %q; known are: %s", path, component.Name, strings.Join(known, ", "))
		}
		if seen[component.Name] {
			return plan{}, fmt.Errorf("%s: component %q is listed twice", path, component.Name)
		}
		seen[component.Name] = true
	}
	return result, nil
}
