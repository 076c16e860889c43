// requests.js: what was asked of the fake: the last requests, and counters since the start.
'use strict';

class Requests {
    constructor(keep) {
        this.keep = keep;
        this.clear();
    }

    clear() {
        this.list = [];
        this.number = 0;
        this.counters = { requests: 0, statuses: {}, operations: {}, errors: {}, faults: {}, most_aliases: 0 };
    }

    begin(request) {
        const entry = {
            n: ++this.number,
            at: new Date().toISOString(),
            path: request.url,
            status: null,
            ms: null,
            bytes: 0,
            names: [],
            operations: [],
            aliases: 0,
            cost: null,
            fault: null,
            started: process.hrtime.bigint(),
        };

        this.counters.requests++;
        this.list.push(entry);
        if (this.list.length > this.keep) this.list.shift();
        return entry;
    }

    // What the document turned out to be.
    describe(entry, { roots, aliases }, cost) {
        entry.names = [...new Set(roots.map((root) => root.name).filter(Boolean))];
        entry.operations = roots.map((root) => root.field);
        entry.aliases = aliases;
        entry.cost = cost;
        this.counters.most_aliases = Math.max(this.counters.most_aliases, aliases);
    }

    operation(name, outcome) {
        const counter = this.counters.operations[name] || (this.counters.operations[name] = { done: 0, refused: 0 });

        counter[outcome]++;
    }

    end(entry, status) {
        entry.status = status;
        entry.ms = Number((process.hrtime.bigint() - entry.started) / 1000n) / 1000;
        this.counters.statuses[status] = (this.counters.statuses[status] || 0) + 1;
        if (entry.fault) this.counters.faults[entry.fault] = (this.counters.faults[entry.fault] || 0) + 1;
    }

    show({ after = 0, limit = 1000 }) {
        return this.list
            .filter((entry) => entry.n > after)
            .slice(0, limit)
            .map(({ started, ...rest }) => rest);
    }
}

module.exports = { Requests };
