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

	"k8s.io/client-go/transport"
)

// plan is the file that control-plane and node are started with.
type plan struct {
	// StopTimeoutSeconds bounds the whole stop, all components together. Default 10.
	StopTimeoutSeconds float64 `json:"stopTimeoutSeconds"`
	// ClientCertificateRefreshSeconds is how often clients look whether the file of their certificate is another, and leave the
	// connections that were made with the former one. Default: client-go's five minutes, too long for certificates that live minutes.
	ClientCertificateRefreshSeconds float64 `json:"clientCertificateRefreshSeconds"`
	// Components in the order in which they start.
	Components []planned `json:"components"`
}

type planned struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
}

func (p plan) stopTimeout() time.Duration {
	return seconds(p.StopTimeoutSeconds)
}

func (p plan) clientCertificateRefresh() time.Duration {
	return seconds(p.ClientCertificateRefreshSeconds)
}

func seconds(number float64) time.Duration {
	return time.Duration(number * float64(time.Second))
}

// readPlan reads and checks a plan whose components must be among the known ones, each at most once.
func readPlan(path string, known []string) (plan, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return plan{}, err
	}
	result := plan{StopTimeoutSeconds: 10, ClientCertificateRefreshSeconds: transport.CertCallbackRefreshDuration.Seconds()}
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
	if result.ClientCertificateRefreshSeconds <= 0 {
		return plan{}, fmt.Errorf("%s: clientCertificateRefreshSeconds is %g, it must be positive", path, result.ClientCertificateRefreshSeconds)
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
