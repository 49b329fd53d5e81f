package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/transport"
	"k8s.io/klog/v2"
)

// component is something that control-plane or node can run beside others in one process.
type component struct {
	name string
	// prepare reads the arguments and returns what runs until its context ends. Components are prepared one after another,
	// because their feature gates and logging settings are process-wide.
	prepare func(args []string) (func(context.Context) error, error)
	// outlivesOthers is set for what the others need while they stop.
	outlivesOthers bool
}

// task is a component that has been started.
type task struct {
	component
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// superviseCommand runs the components named by the plan in os.Args[1]. It returns 0 after SIGTERM or SIGINT, and 1 when a
// component ended by itself; in both cases it has stopped all of them, in reverse order of starting.
func superviseCommand(available []component) int {
	if len(os.Args) != 2 {
		fmt.Fprintf(os.Stderr, "usage: %s PLAN.json\n", os.Args[0])
		return 2
	}
	known := make([]string, len(available))
	for i, component := range available {
		known[i] = component.name
	}
	plan, err := readPlan(os.Args[1], known)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
		return 2
	}
	// Read by every client as it is made.
	transport.CertCallbackRefreshDuration = plan.clientCertificateRefresh()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)

	exits := make(chan *task, len(plan.Components))
	tasks := make([]*task, 0, len(plan.Components))
	for _, planned := range plan.Components {
		component := available[slices.Index(known, planned.Name)]
		run, err := component.prepare(planned.Args)
		if err != nil {
			report("%s: %v", component.name, err)
			stop(tasks, plan.stopTimeout())
			return 1
		}
		args := slices.Sorted(slices.Values(planned.Args))
		report("Running %s", strings.Join(append([]string{component.name}, args...), " "))
		tasks = append(tasks, start(component, run, exits))
	}

	code := 0
	select {
	case got := <-signals:
		report("%s: stopping", got)
	case ended := <-exits:
		if !signalled(signals, ended.err) {
			report("%s ended by itself: %v", ended.name, reason(ended.err))
			code = 1
		}
	}
	// A second signal takes its default effect, which ends the process at once.
	signal.Stop(signals)
	stop(tasks, plan.stopTimeout())
	klog.Flush()
	return code
}

func start(component component, run func(context.Context) error, exits chan<- *task) *task {
	ctx, cancel := context.WithCancel(context.Background())
	started := &task{component: component, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer func() {
			if panicked := recover(); panicked != nil {
				started.err = fmt.Errorf("panic: %v\n%s", panicked, debug.Stack())
			}
			close(started.done)
			exits <- started
		}()
		started.err = run(ctx)
	}()
	return started
}

// stop ends the tasks one after another, the last started first. What has not ended in time is left to the end of the process.
func stop(tasks []*task, timeout time.Duration) {
	deadline := time.After(timeout)
	for _, task := range stopOrder(tasks) {
		began := time.Now()
		task.cancel()
		select {
		case <-task.done:
			report("%s stopped after %d ms", task.name, time.Since(began).Milliseconds())
		case <-deadline:
			report("%s had not stopped when the %s for stopping were over", task.name, timeout)
			return
		}
	}
}

func stopOrder(tasks []*task) []*task {
	order := slices.Clone(tasks)
	slices.Reverse(order)
	slices.SortStableFunc(order, func(a, b *task) int {
		switch {
		case a.outlivesOthers == b.outlivesOthers:
			return 0
		case a.outlivesOthers:
			return 1
		default:
			return -1
		}
	})
	return order
}

// signalled tells whether a component ended because it saw a signal before we did: kubelet listens to signals itself.
func signalled(signals <-chan os.Signal, err error) bool {
	if err != nil {
		return false
	}
	select {
	case <-signals:
		return true
	case <-time.After(100 * time.Millisecond):
		return false
	}
}

func reason(err error) error {
	if err == nil {
		return fmt.Errorf("it returned without an error")
	}
	return err
}

// uncancellable runs what takes no context, and returns when it does or when the context ends, leaving it to the process's end.
func uncancellable(ctx context.Context, run func() error) error {
	result := make(chan error, 1)
	go func() { result <- run() }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return nil
	}
}

func report(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "engine: "+format+"\n", values...)
}
